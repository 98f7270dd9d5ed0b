// What `up` will do to a site, told before it does it.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup {

struct UpStep {
    std::string verb; // listen, start, replace, serve, drain, stop, adjust, close; a word of `-o json`: none is renamed
    std::string object; // a worker or an address
    std::string why;    // changed keys, or empty

    friend bool operator==(const UpStep&, const UpStep&) = default;
};

/// In the order in which bring_up (operations.h) takes them when nothing fails; empty when nothing changes. `before` without
/// workers: nothing runs.
[[nodiscard]] std::vector<UpStep> steps_of_up(const topology::Topology& before, const topology::Topology& wanted);

} // namespace mpsup
