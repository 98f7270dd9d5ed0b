// Is the store that answers the one that this machine knows?
#pragma once

#include "supervisor/cluster/cluster_view.h"
#include "supervisor/cluster/memory.h"

#include <string>
#include <utility>

namespace mpsup::cluster {

/// Pure. A store that was emptied, restored from a backup, or is another one could order what nobody wants: its orders are not
/// taken until an operator says so in it.
class StoreTrust {
public:
    explicit StoreTrust(Memory memory)
        : memory_(std::move(memory)), seen_cluster_(memory_.cluster), seen_revision_(memory_.revision) {}

    /// It was listed, or its `store` key has changed.
    void look(const ClusterView& view);
    void set_out(std::vector<std::string> out) { memory_.out = std::move(out); }

    /// Of a store that was looked at.
    [[nodiscard]] bool is_trusted() const { return problem_.empty(); }
    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] const Memory& memory() const { return memory_; }
    /// Has it lost what was known, since the last time? Whoever held something by it may hold it still.
    [[nodiscard]] bool take_replaced() { return std::exchange(was_replaced_, false); }

private:
    [[nodiscard]] bool is_accepted(const ClusterView& view) const;

    Memory memory_;
    std::uint64_t seen_cluster_; // of the store that was looked at last, trusted or not
    Revision seen_revision_;
    std::string problem_;
    bool was_replaced_ = false;
};

} // namespace mpsup::cluster
