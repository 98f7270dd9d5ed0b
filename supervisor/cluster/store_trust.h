// Is the store that answers the one that this machine knows?
#pragma once

#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/memory.h"

#include <string>
#include <utility>

namespace mpsup::cluster {

/// Pure. A store that was emptied, restored from a backup, or is another one could order what nobody wants: its orders are not
/// taken until an operator says so in it. It is told by
///  - its id, which is drawn with its first order: an emptied one has none, or another one;
///  - etcd's own id of the cluster;
///  - what it knew: its revision, the numbers that it gave to topologies and what those were, which only grow.
/// One that has gone back grows past what is known in time; so that it did is remembered.
class StoreTrust {
public:
    explicit StoreTrust(Memory memory)
        : memory_(std::move(memory)), seen_cluster_(memory_.cluster), seen_revision_(memory_.revision) {}

    /// It was listed, or something in it has changed.
    void look(const ClusterView& view);
    void set_out(std::vector<std::string> out) { memory_.out = std::move(out); }

    /// Of a store that was looked at.
    [[nodiscard]] bool is_trusted() const { return problem_.empty(); }
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const Memory& memory() const { return memory_; }
    /// Has it lost what was known, since the last time? Whoever held something by it may hold it still.
    [[nodiscard]] bool take_replaced() { return std::exchange(was_replaced_, false); }

private:
    void note_replaced(const ClusterView& view);
    [[nodiscard]] bool is_accepted(const ClusterView& view) const;
    [[nodiscard]] std::string what_is_other(const ClusterView& view) const;
    [[nodiscard]] std::string what_is_lost(const ClusterView& view) const;
    void learn(const ClusterView& view);

    Memory memory_;
    std::uint64_t seen_cluster_; // of the store that was looked at last, trusted or not
    Revision seen_revision_;
    std::string problem_;
    bool was_replaced_ = false;
};

/// The highest number that it gave to a topology, as far as it says.
[[nodiscard]] std::uint64_t last_number(const ClusterView& view);

} // namespace mpsup::cluster
