#include "worker/http/page_in.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <pthread.h>
#include <sys/uio.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mpsup::http {

namespace {

constexpr std::uint64_t read_ahead = std::uint64_t{128} << 10U;
constexpr std::size_t block = std::size_t{256} << 10U;
constexpr std::size_t most_waiting = 256;

bool is_there(int file, std::uint64_t offset) noexcept {
    char byte = 0;
    const iovec space{&byte, 1};
    return ::preadv2(file, &space, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

struct Part {
    int file = -1;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::function<void()> done;
};

void read_in(const Part& part, std::vector<char>& space) noexcept {
    for (std::uint64_t at = 0; at < part.size;) {
        const std::size_t wanted = std::min<std::uint64_t>(space.size(), part.size - at);
        const ssize_t got = ::pread(part.file, space.data(), wanted, static_cast<off_t>(part.offset + at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return; // its end, or an error that sendfile(2) will meet as well
        at += static_cast<std::uint64_t>(got);
    }
}

} // namespace

bool in_page_cache(int file, std::uint64_t offset, std::uint64_t size) noexcept {
    if (size == 0) return true;
    for (std::uint64_t at = offset; at < offset + size; at += read_ahead)
        if (!is_there(file, at)) return false;
    return is_there(file, offset + size - 1);
}

// Shared by the threads, which may outlive whoever started them.
struct PageIn::Work {
    std::mutex mutex;
    std::condition_variable more;
    std::deque<Part> waiting;
    unsigned threads = 0;
    unsigned idle = 0;
    bool ended = false;

    static void run(const std::shared_ptr<Work>& work) {
        std::vector<char> space(block);
        std::unique_lock lock(work->mutex);
        while (!work->ended) {
            if (work->waiting.empty()) {
                ++work->idle;
                work->more.wait(lock);
                --work->idle;
                continue;
            }
            const Part part = std::move(work->waiting.front());
            work->waiting.pop_front();
            lock.unlock();
            read_in(part, space);
            lock.lock();
            // Under the lock, so that nothing is called once the destructor has had it.
            if (!work->ended) part.done();
        }
    }
};

PageIn::PageIn(unsigned threads) : threads_(threads), work_(std::make_shared<Work>()) {}

PageIn::~PageIn() {
    const std::lock_guard lock(work_->mutex);
    work_->ended = true;
    work_->more.notify_all();
}

bool PageIn::read(int file, std::uint64_t offset, std::uint64_t size, std::function<void()> done) {
    const std::lock_guard lock(work_->mutex);
    if (work_->waiting.size() == most_waiting) return false;
    if (work_->idle == 0 && work_->threads < threads_) {
        // Signals are for the loops.
        sigset_t all{};
        sigset_t before{};
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        try {
            std::thread([work = work_] { Work::run(work); }).detach();
            ++work_->threads;
        } catch (const std::system_error&) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    if (work_->threads == 0) return false;
    work_->waiting.push_back({file, offset, size, std::move(done)});
    work_->more.notify_one();
    return true;
}

} // namespace mpsup::http
