// The time as members of a cluster are told it.
#pragma once

#include "supervisor/cluster/moment.h"
#include "supervisor/daemon/history.h"
#include "supervisor/process/held_address.h"

namespace mpsup {

/// Since the machine was started.
[[nodiscard]] inline cluster::Time boot_now() { return cluster::Time(HeldAddress::now()); }
[[nodiscard]] inline cluster::Moment moment_now() { return {boot_now(), cluster::WallTime(wall_clock_ms())}; }

} // namespace mpsup
