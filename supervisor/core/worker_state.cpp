#include "supervisor/core/worker_state.h"

#include <utility>

namespace mpsup::core {

std::string_view to_string(WorkerState state) noexcept {
    switch (state) {
    case WorkerState::stopped: return "stopped";
    case WorkerState::starting: return "starting";
    case WorkerState::ready: return "ready";
    case WorkerState::degraded: return "degraded";
    case WorkerState::draining: return "draining";
    case WorkerState::backoff: return "backoff";
    case WorkerState::failed: return "failed";
    case WorkerState::unknown: return "unknown";
    }
    std::unreachable();
}

} // namespace mpsup::core
