#include "supervisor/cluster/cluster_status.h"

#include "base/joined.h"

#include <algorithm>
#include <utility>

namespace mpsup::cluster {

std::string words_on_stranger(const ClusterStatus& status, std::string_view machine) {
    constexpr std::size_t most_named = 20;
    std::vector<std::string> names;
    for (const MachineStatus& each : status.machines) {
        if (each.in_topology != true) continue;
        if (each.name == machine) return {};
        names.push_back(each.name);
    }
    if (names.empty()) return {};
    const std::size_t more = names.size() - std::min(names.size(), most_named);
    names.resize(names.size() - more);
    return "not in the topology, so nothing runs here; its machines are " + joined(names, ", ") +
           (more > 0 ? " and " + std::to_string(more) + " more" : "") +
           ": start `mpsup supervise --machine` with one of these names, or `mpsup up` a file that has " +
           std::string(machine) + " in `machines`";
}

std::string_view to_string(MachineStatus::State state) noexcept {
    switch (state) {
    case MachineStatus::State::living: return "living";
    case MachineStatus::State::absent: return "absent";
    case MachineStatus::State::cordoned: return "cordoned";
    case MachineStatus::State::drained: return "drained";
    case MachineStatus::State::removed: return "removed";
    case MachineStatus::State::unknown: return "unknown";
    }
    std::unreachable();
}

std::string_view to_string(ClusterStatus::State state) noexcept {
    switch (state) {
    case ClusterStatus::State::connected: return "connected";
    case ClusterStatus::State::alone: return "alone";
    case ClusterStatus::State::refused: return "refused";
    case ClusterStatus::State::unaccepted: return "unaccepted";
    }
    std::unreachable();
}

} // namespace mpsup::cluster
