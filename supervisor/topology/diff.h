// What changes between two topologies.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup::topology {

struct Diff {
    struct Change {
        std::string worker;
        std::vector<std::string> keys; // "pool", "health.path", … in the order of the key table
    };
    std::vector<std::string> site_keys; // changed keys outside of workers: "site", "binaries", "history", …
    std::vector<std::string> added;     // names of workers, in the order of the later topology
    std::vector<std::string> removed;   // in the order of the earlier one
    std::vector<Change> changed;        // of another kind under the same name too ("kind")
    std::vector<std::string> unchanged;

    /// Nothing to do? The order of workers alone is no change.
    [[nodiscard]] bool empty() const noexcept;
};

[[nodiscard]] Diff diff(const Topology& before, const Topology& after);

/// For people, a line a worker: "+ httpd_docs", "~ httpd_perl (pool, app)", "- old"; empty when nothing changes.
[[nodiscard]] std::string to_string(const Diff& difference);

} // namespace mpsup::topology
