// What a worker is held to.
#pragma once

#include "supervisor/core/generation.h"
#include "supervisor/core/restart_budget.h"

namespace mpsup::core {

struct WorkerRules {
    bool is_pool = false;
    int pool = 0; // children wanted at first; 0 for light workers
    RestartRule restart;
    PhaseLimits limits;

    /// Processes that serve when all is well.
    [[nodiscard]] int wanted() const { return is_pool ? pool : 1; }
    friend bool operator==(const WorkerRules&, const WorkerRules&) = default;
};

} // namespace mpsup::core
