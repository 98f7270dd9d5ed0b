// The machines of a cluster at a glance, as people are shown them.
#pragma once

#include "supervisor/cluster/cluster_status.h"
#include "supervisor/control/cluster_machine.h"
#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup {

/// All that anything is left of, and this one, `here`, also before any was heard of. `topology`: that runs here, for addresses; nullptr:
/// none. `trouble`: that this machine has with the others or with etcd, for people; empty: none.
[[nodiscard]] std::vector<ClusterMachine> cluster_machines(const cluster::ClusterStatus& status,
                                                           const std::string& here, const topology::Topology* topology,
                                                           const std::string& trouble);

} // namespace mpsup
