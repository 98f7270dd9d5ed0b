// One schedule: a fleet that lives through faults and orders that its seed decides, and then must come to rest.
#pragma once

#include "tests/sim/cluster/bug.h"

#include <cstdint>
#include <string>

namespace mpsup::sim {

struct ClusterVerdict {
    bool passed = true;
    std::string violation{}; // empty when it passed
    std::uint64_t events = 0;
};

/// The same seed and bug: the same verdict. `trace`: what happens on stdout. `machines`: so many, of which one in twenty may be out
/// of service; 0: a few.
[[nodiscard]] ClusterVerdict run_cluster_schedule(std::uint64_t seed, ClusterBug bug = ClusterBug::none,
                                                  bool trace = false, int machines = 0);

} // namespace mpsup::sim
