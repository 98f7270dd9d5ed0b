#include "supervisor/core/ticks.h"

#include <algorithm>

namespace mpsup::core {

namespace {

constexpr Duration tick{1'000};
constexpr Duration ticking_before{120'000}; // a deadline

} // namespace

Time next_look(Time deadline, Time now) {
    return deadline - now < ticking_before ? std::min(deadline, now + tick) : deadline - ticking_before / 2;
}

// Of a long pause the tick in which it began is given back as well; after short ones deadlines would never come.
Duration stood_still(Time wanted, Time now) {
    const auto late = std::chrono::duration_cast<Duration>(now - wanted);
    return late > held_up ? late + tick : std::max(late, Duration(0));
}

} // namespace mpsup::core
