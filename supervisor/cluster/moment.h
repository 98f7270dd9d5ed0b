// Time as the machines of a cluster have it.
#pragma once

#include <chrono>

namespace mpsup::cluster {

/// CLOCK_BOOTTIME of this machine: goes on while it is suspended, as leases do. Whoever calls reads it.
struct BootClock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};
using Time = BootClock::time_point;
using Duration = BootClock::duration;

/// Milliseconds since 1970, as people set it: for them, and to tell clocks that are far off. Nothing is timed by it.
using WallTime = std::chrono::milliseconds;

struct Moment {
    Time boot{};
    WallTime wall{0};
};

} // namespace mpsup::cluster
