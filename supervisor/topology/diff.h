// What changes between two topologies.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup {

struct WorkerChange {
    std::string name;
    std::vector<std::string> keys; // that differ: "listen", "pool", …
};

struct Diff {
    std::vector<std::string> added;
    std::vector<std::string> removed;
    std::vector<WorkerChange> changed;
    std::vector<std::string> unchanged;

    [[nodiscard]] bool empty() const { return added.empty() && removed.empty() && changed.empty(); }
};

/// By worker name, in the order of `after` (removed ones in that of `before`). A worker whose spec is the same has
/// changed all the same when the URLs that every worker is told (MPSUP_STATIC_URL, MPSUP_DYNAMIC_URL) have: its
/// key is "env".
[[nodiscard]] Diff diff(const Topology& before, const Topology& after);

/// What every worker of a site is told of where the others are: MPSUP_STATIC_URL and MPSUP_DYNAMIC_URL, of the first
/// of each kind.
[[nodiscard]] std::map<std::string, std::string> site_environment(const Topology& topology);

} // namespace mpsup
