#include "worker/light/upkeep.h"

#include <cstdint>
#include <sys/timerfd.h>
#include <unistd.h>

namespace mpsup::light {

Result<> Upkeep::begin() {
    if (!serving_.needs_keeping_up()) return {};
    timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) return system_failure("make a timer");
    const timespec time{0, std::chrono::nanoseconds(upkeep_interval).count()};
    const itimerspec spec{time, time};
    if (::timerfd_settime(timer_.get(), 0, &spec, nullptr) != 0) return system_failure("set a timer");
    server_.watch(timer_.get(), [this] { return tick(); });
    return {};
}

// For EventServer::watch: false when nothing is left to be done.
bool Upkeep::tick() {
    std::uint64_t times = 0;
    if (::read(timer_.get(), &times, sizeof times) < 0) return true; // EAGAIN
    serving_.keep_up();
    if (serving_.needs_keeping_up()) return true;
    const itimerspec off{};
    ::timerfd_settime(timer_.get(), 0, &off, nullptr);
    return false;
}

} // namespace mpsup::light
