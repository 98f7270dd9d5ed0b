// How often deadlines are looked at, and by how much a pause of the machine, or of us, moves them.
#pragma once

#include "supervisor/core/restart_budget.h"

namespace mpsup::core {

// While a deadline is near there is a look every second, and the time between two of them counts as a second at most, however
// late the next one is. So a pause takes nobody more than a second of his time, and many short ones do not add up to more.

/// A look is later than that: everything stood still.
constexpr Duration held_up{1'000};

/// When to look, should nothing happen before.
[[nodiscard]] Time next_look(Time deadline, Time now);
/// How long nobody could do anything before `now`, when the look was to be at `wanted`: for Worker::on_pause.
[[nodiscard]] Duration stood_still(Time wanted, Time now);

} // namespace mpsup::core
