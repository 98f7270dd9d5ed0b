#include "worker/accelerator/signal.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace asio = boost::asio;

namespace mpsup::accelerator {

struct Signal::Timer {
    explicit Timer(asio::io_context& context) : timer(context) {}
    asio::basic_waitable_timer<http::Clock, asio::wait_traits<http::Clock>, http::Executor> timer;
};

Signal::Signal(asio::io_context& context) : timer_(std::make_unique<Timer>(context)) {}
Signal::~Signal() = default;

void Signal::tell() noexcept {
    told_ = true;
    timer_->timer.cancel();
}

http::Task<bool> Signal::wait(http::TimePoint deadline) {
    constexpr asio::use_awaitable_t<http::Executor> use_task;
    while (!told_) {
        if (http::Clock::now() >= deadline) co_return false;
        timer_->timer.expires_at(deadline);
        boost::system::error_code ignored;
        co_await timer_->timer.async_wait(asio::redirect_error(use_task, ignored));
    }
    told_ = false;
    co_return true;
}

} // namespace mpsup::accelerator
