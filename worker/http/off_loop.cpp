#include "worker/http/off_loop.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <mutex>
#include <utility>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

} // namespace

// Through which the threads reach the loop, as long as there is one.
struct OffLoop::Mailbox {
    std::mutex mutex;
    asio::io_context* io;
};

OffLoop::OffLoop(asio::io_context& io, const Background::Options& options)
    : io_(io), mailbox_(std::make_shared<Mailbox>()), threads_(options) {
    mailbox_->io = &io;
}

OffLoop::~OffLoop() {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->io = nullptr;
}

Task<bool> OffLoop::run(std::function<void()> job) {
    // Woken by being cancelled. Its coroutine waits in the loop, so it is there when the news arrive, or gone for good.
    const auto waiting = std::make_shared<Timer>(io_, Timer::time_point::max());
    auto errand = [job = std::move(job), mailbox = mailbox_, waiting = std::weak_ptr(waiting)]() mutable {
        job();
        job = {}; // what it owned goes before the loop hears of it
        const std::lock_guard lock(mailbox->mutex);
        if (!mailbox->io) return;
        asio::post(*mailbox->io, [waiting] {
            if (const auto timer = waiting.lock()) timer->cancel();
        });
    };
    if (!threads_.run(std::move(errand))) co_return false;
    boost::system::error_code cancelled;
    co_await waiting->async_wait(asio::redirect_error(asio::use_awaitable_t<Executor>(), cancelled));
    co_return true;
}

} // namespace mpsup::http
