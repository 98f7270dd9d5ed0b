// What the cluster's decisions need to know of a topology.
#pragma once

#include "supervisor/cluster/topology_facts.h"
#include "supervisor/topology/topology.h"

#include <set>
#include <string>
#include <vector>

namespace mpsup {

/// Of the whole site.
[[nodiscard]] cluster::TopologyFacts facts_of(const topology::Topology& whole);

/// Where workers of these machines listen for accelerators of others. Names of no machine have none.
[[nodiscard]] std::set<Address> addresses_of(const topology::Topology& whole, const std::vector<std::string>& machines);

} // namespace mpsup
