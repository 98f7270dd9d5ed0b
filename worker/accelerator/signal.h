// One coroutine waits, others of the same loop tell it that something happened.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/task.h"

#include <memory>

namespace mpsup::accelerator {

/// What is told before somebody waits is not lost. At most one waits at a time.
class Signal {
public:
    explicit Signal(boost::asio::io_context& context);
    ~Signal();
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    void tell() noexcept;
    /// Until somebody has told, since the last wait ended. False: the deadline has passed.
    [[nodiscard]] http::Task<bool> wait(http::TimePoint deadline = http::TimePoint::max());

private:
    struct Timer;
    std::unique_ptr<Timer> timer_;
    bool told_ = false;
};

} // namespace mpsup::accelerator
