// What a machine knows of the others, for `mpsup status`.
#pragma once

#include "supervisor/cluster/etcd_messages.h"
#include "supervisor/cluster/records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cluster {

struct MachineStatus {
    // What an operator said goes before what is seen. Unknown: the store was not heard yet.
    enum class State { living, absent, cordoned, drained, removed, unknown };

    std::string name{};
    State state = State::absent;
    bool lives = false;
    std::optional<bool> in_topology{};     // of what is wanted; nothing: what that says is not known
    bool drifts = false;                   // it lives, and runs something else than is wanted
    std::optional<MachineRecord> record{}; // of one that lives, as it wrote it last
    std::string problem{};                 // its record cannot be read, and why
};

struct ClusterStatus {
    enum class State {
        connected,
        alone,      // the store cannot be reached: all serves on, no change begins
        refused,    // another supervisor has this machine's name
        unaccepted, // this is another store than before: its orders are not taken
    };

    State state = State::alone;
    std::string why{}; // of all but connected
    WallTime since{0}; // of this state
    WallTime heard{0}; // when the store was heard last; 0: never
    std::uint64_t cluster = 0;
    Revision revision = 0;
    std::optional<WantedRecord> wanted{};
    std::vector<MachineStatus> machines{}; // by name: of the topology, and whoever else lives or is fenced
    std::map<std::string, std::string>
        vips{}; // addresses, each with the machine that has it; empty: none, or it is not known
    std::optional<ChangeRecord> change{}; // that runs, or the last one
    std::vector<PastOrder> orders{};      // the latest last
};

/// Of a machine that the topology does not have: which ones that has, and what helps. Empty: it has it, or it is not known.
[[nodiscard]] std::string words_on_stranger(const ClusterStatus& status, std::string_view machine);

[[nodiscard]] std::string_view to_string(MachineStatus::State state) noexcept;
[[nodiscard]] std::string_view to_string(ClusterStatus::State state) noexcept;

} // namespace mpsup::cluster
