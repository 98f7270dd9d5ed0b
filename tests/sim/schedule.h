// One schedule: a site that lives through faults and orders that its seed decides, and then must come to rest.
#pragma once

#include "tests/sim/bug.h"

#include <cstdint>
#include <string>

namespace mpsup::sim {

struct Verdict {
    bool passed = true;
    std::string violation; // empty when it passed
    std::uint64_t events = 0;
};

/// The same seed and bug: the same verdict. `trace`: every event on stdout.
[[nodiscard]] Verdict run_schedule(std::uint64_t seed, Bug bug = Bug::none, bool trace = false);

} // namespace mpsup::sim
