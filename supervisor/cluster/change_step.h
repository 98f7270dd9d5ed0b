// What the machine that leads a change makes of what it knows: the next value of the `change` key.
#pragma once

#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/moment.h"
#include "supervisor/cluster/topology_facts.h"

#include <optional>

namespace mpsup::cluster {

constexpr std::chrono::seconds longest_check{30};  // for all machines to say what they think of a topology
constexpr std::chrono::seconds longest_ailing{60}; // of a machine that has changed
constexpr std::chrono::seconds farthest_clock{30}; // that a machine's may be off

/// What one leader timed.
struct Tenure {
    Time since{};                 // it leads, in this phase
    std::optional<Time> ailing{}; // since when a machine that has changed is unwell
};

struct ChangeStep {
    ChangeRecord change{};
    std::optional<WantedRecord> wanted{}; // to be written with it
    bool has_ailing = false;              // a machine that has changed is unwell: no further one is granted
};

/// Of a change that is not over. The one given back is the same when there is nothing to do. `facts`: of the topology that it
/// brings; nullptr: not known (yet). Pure.
[[nodiscard]] ChangeStep next_step(const ClusterView& view, const TopologyFacts* facts, const Tenure& tenure,
                                   Moment now);

/// Of one that is over: what is kept of it, in the key of the topology that it brought, or else of its own.
[[nodiscard]] Put end_of(const ChangeRecord& change, WallTime ended, const Keys& keys);

/// The machines of a change: all that are in the topology before it or after it. First those without accelerators, then those with
/// one, last those that give addresses up, or that nothing runs on any more: who sends to them is changed before. Of those that
/// give addresses up and get others, half come first: there is always one half of a pool that is reached, unless it has one machine.
[[nodiscard]] std::vector<Part> parts_of(const TopologyFacts* before, const TopologyFacts* after);

} // namespace mpsup::cluster
