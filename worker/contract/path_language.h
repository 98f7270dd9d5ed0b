// The paths that a pattern matches, as a set.
#pragma once

#include "worker/contract/path_pattern.h"

namespace mpsup::contract {

/// Is every normal path (routing.h) that `inner` matches one of `outer` too? True is sure. False is as sure but for pairs
/// that would take too long: the work is bounded.
[[nodiscard]] bool includes(const PathPattern& outer, const PathPattern& inner);

} // namespace mpsup::contract
