#include "supervisor/daemon/bell.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>

namespace mpsup {

namespace asio = boost::asio;

class Bell::Impl {
public:
    explicit Impl(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    void ring() {
        for (asio::steady_timer* timer : waiting_) timer->cancel();
    }

    asio::awaitable<void> wait_until(std::chrono::steady_clock::time_point deadline) {
        asio::steady_timer timer(executor_, deadline);
        const auto place = waiting_.insert(waiting_.end(), &timer);
        boost::system::error_code ignored; // rung or late: the caller looks for itself
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        waiting_.erase(place);
    }

private:
    asio::any_io_executor executor_;
    std::list<asio::steady_timer*> waiting_; // each on the frame of a coroutine that waits
};

Bell::Bell(const asio::any_io_executor& executor) : impl_(std::make_unique<Impl>(executor)) {}
Bell::~Bell() = default;
Bell::Bell(Bell&&) noexcept = default;
Bell& Bell::operator=(Bell&&) noexcept = default;

void Bell::ring() { impl_->ring(); }

asio::awaitable<void> Bell::wait_until(std::chrono::steady_clock::time_point deadline) {
    return impl_->wait_until(deadline);
}

asio::awaitable<void> pause_for(std::chrono::steady_clock::duration duration) {
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

} // namespace mpsup
