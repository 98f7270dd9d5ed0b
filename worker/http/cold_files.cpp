#include "worker/http/cold_files.h"

#include "base/fd.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <fcntl.h>
#include <mutex>

namespace asio = boost::asio;

namespace mpsup::http {

namespace {

using Timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, Executor>;

} // namespace

// Through which the threads reach the loop, as long as there is one.
struct ColdFiles::Mailbox {
    std::mutex mutex;
    asio::io_context* io;
};

ColdFiles::ColdFiles(asio::io_context& io) : io_(io), mailbox_(std::make_shared<Mailbox>()) { mailbox_->io = &io; }

ColdFiles::~ColdFiles() {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->io = nullptr;
}

Task<> ColdFiles::read(int file, std::uint64_t offset, std::uint64_t size) {
    // A descriptor of its own: the loop may end, and close its own, before the disk has answered.
    auto copy = std::make_shared<const Fd>(::fcntl(file, F_DUPFD_CLOEXEC, 3));
    // Woken by being cancelled. Its coroutine waits in the loop, so it is there when the news arrive, or gone for good.
    const auto waiting = std::make_shared<Timer>(io_, Timer::time_point::max());
    auto job = [=, copy = std::move(copy), mailbox = mailbox_, waiting = std::weak_ptr(waiting)]() mutable {
        page_in(copy->get(), offset, size);
        copy.reset();
        const std::lock_guard lock(mailbox->mutex);
        if (!mailbox->io) return;
        asio::post(*mailbox->io, [waiting] {
            if (const auto timer = waiting.lock()) timer->cancel();
        });
    };
    if (!readers_.run(std::move(job))) co_return;
    boost::system::error_code cancelled;
    co_await waiting->async_wait(asio::redirect_error(asio::use_awaitable_t<Executor>(), cancelled));
}

} // namespace mpsup::http
