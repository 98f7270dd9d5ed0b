// Waking coroutines that wait for something to change.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace mpsup {

/// One event loop. Whoever waits looks again at what it waits for: a ring carries no message.
class Bell {
public:
    explicit Bell(const boost::asio::any_io_executor& executor);
    ~Bell();
    Bell(Bell&&) noexcept;
    Bell& operator=(Bell&&) noexcept;

    /// Wakes everybody who waits.
    void ring();
    /// Until the next ring, or the deadline, whichever comes first.
    [[nodiscard]] boost::asio::awaitable<void> wait_until(std::chrono::steady_clock::time_point deadline);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

/// Suspends the coroutine that calls it.
[[nodiscard]] boost::asio::awaitable<void> pause_for(std::chrono::steady_clock::duration duration);

} // namespace mpsup
