// What was brought up last, as the database has it.
#pragma once

#include "base/error.h"
#include "supervisor/control/site_paths.h"
#include "supervisor/topology/topology.h"

#include <optional>
#include <string>

namespace mpsup::cli {

struct AppliedTopology {
    topology::Topology topology;
    std::string path;   // of its files (topology_file.h, to_path_list)
    std::string digest; // topology/resolve.h
};

/// Nothing: there was none yet.
[[nodiscard]] Result<std::optional<AppliedTopology>> applied_topology(const SitePaths& paths);

} // namespace mpsup::cli
