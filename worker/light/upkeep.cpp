#include "worker/light/upkeep.h"

#include <chrono>
#include <cstdint>
#include <sys/timerfd.h>
#include <unistd.h>

namespace mpsup::light {

Result<> Upkeep::begin() {
    if (serving_.keep_up_in().count() == 0) return {};
    timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_) return system_failure("make a timer");
    if (!set()) return system_failure("set a timer");
    server_.watch(timer_.get(), [this] { return tick(); });
    return {};
}

// False when nothing is left to be done, or the timer cannot be set.
bool Upkeep::set() {
    const auto pause = serving_.keep_up_in();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(pause);
    const itimerspec once{{}, {seconds.count(), std::chrono::nanoseconds(pause - seconds).count()}};
    return ::timerfd_settime(timer_.get(), 0, &once, nullptr) == 0 && pause.count() > 0;
}

// For EventServer::watch.
bool Upkeep::tick() {
    std::uint64_t times = 0;
    if (::read(timer_.get(), &times, sizeof times) < 0) return true; // EAGAIN
    serving_.keep_up();
    return set();
}

} // namespace mpsup::light
