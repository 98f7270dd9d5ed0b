#include "supervisor/cluster/cluster_status.h"

#include <utility>

namespace mpsup::cluster {

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
