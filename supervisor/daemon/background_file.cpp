#include "supervisor/daemon/background_file.h"

#include "base/whole_file.h"

#include <boost/asio/post.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;

// What belongs to the loop: the thread never owns it.
struct BackgroundFile::Loop {
    Loop(const asio::any_io_executor& executor, std::function<void(Error)> failed)
        : on_failure(std::move(failed)), written(executor) {}

    std::function<void(Error)> on_failure;
    Bell written;
};

// Shared with the thread.
struct BackgroundFile::State {
    void write_all();
    [[nodiscard]] bool is_written() {
        const std::lock_guard lock(mutex);
        return !is_writing;
    }

    const asio::any_io_executor executor;
    const std::string path;
    const std::weak_ptr<Loop> loop;
    std::mutex mutex{}; // of what follows
    std::condition_variable done{};
    std::optional<std::string> next{};
    bool is_writing = false;
    bool is_closed = false; // the loop may be gone
};

// Until nothing waits.
void BackgroundFile::State::write_all() {
    std::unique_lock lock(mutex);
    while (next) {
        const std::string text = std::exchange(next, std::nullopt).value_or(std::string());
        lock.unlock();
        Result<> result = write_whole_file(path, text);
        lock.lock();
        if (result || is_closed) continue;
        asio::post(executor, [loop = loop, why = std::move(result.error())] {
            if (const auto alive = loop.lock()) alive->on_failure(why);
        });
    }
    is_writing = false;
    done.notify_all();
    if (is_closed) return;
    asio::post(executor, [loop = loop] {
        if (const auto alive = loop.lock()) alive->written.ring();
    });
}

BackgroundFile::BackgroundFile(const asio::any_io_executor& executor, std::string path,
                               std::function<void(Error)> on_failure)
    : loop_(std::make_shared<Loop>(executor, std::move(on_failure))),
      state_(std::make_shared<State>(executor, std::move(path), loop_)) {}

BackgroundFile::~BackgroundFile() { close(); }

void BackgroundFile::write(std::string text) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->next = std::move(text);
        if (std::exchange(state_->is_writing, true)) return;
    }
    if (!thread_.run([state = state_] { state->write_all(); })) state_->write_all(); // no thread could be had
}

asio::awaitable<void> BackgroundFile::wait_until_written(std::chrono::steady_clock::time_point deadline) {
    const auto state = state_;
    const auto loop = loop_;
    while (!state->is_written() && std::chrono::steady_clock::now() < deadline)
        co_await loop->written.wait_until(deadline);
}

void BackgroundFile::flush() {
    std::unique_lock lock(state_->mutex);
    state_->done.wait(lock, [this] { return !state_->is_writing; });
}

void BackgroundFile::close() {
    flush();
    const std::lock_guard lock(state_->mutex);
    state_->is_closed = true;
}

} // namespace mpsup
