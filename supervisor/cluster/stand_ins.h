// Who is asked in the place of a machine that nothing new is sent to.
#pragma once

#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/topology_facts.h"

#include <string>
#include <vector>

namespace mpsup::cluster {

struct StandIns {
    std::vector<std::string> machines{}; // one for each thing that is needed of the machine, each named once
    std::string lacking{};               // what would be on no machine any more, and why; empty: nothing
};

/// Others count if they live, are well and nobody has drained or removed them. What `machine` has alone already, because all
/// others are away, is lacking too. Pure.
[[nodiscard]] StandIns stand_ins_for(const std::string& machine, const TopologyFacts& facts, const ClusterView& view);

/// A worker that a living machine has, and that the next topology has on none, and where it would be; empty: there is none. Those
/// that changes pass by would not get it. Pure.
[[nodiscard]] std::string taken_from_all(const TopologyFacts& before, const TopologyFacts& after,
                                         const ClusterView& view);

} // namespace mpsup::cluster
