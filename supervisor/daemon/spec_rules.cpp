#include "supervisor/daemon/spec_rules.h"

#include <algorithm>

namespace mpsup {

core::WorkerRules rules_of(const topology::WorkerSpec& spec) {
    core::WorkerRules rules;
    rules.is_pool = spec.kind == topology::Kind::dynamic;
    const auto pool = spec.pool.sized();
    rules.pool = !rules.is_pool ? 0 : pool.mode == topology::PoolMode::dynamic ? std::max(1, pool.min) : pool.min;
    rules.restart.burst = spec.restart.burst;
    rules.restart.window = spec.restart.window;
    rules.restart.backoff = spec.restart.backoff;
    rules.restart.backoff_max = spec.restart.max;
    rules.limits.grace = spec.stop.grace;
    rules.limits.load = spec.health.within;
    rules.limits.fails = spec.health.fatal_fails();
    rules.limits.gate = spec.rolling.deadline;
    if (spec.health.startup.asks()) rules.limits.gate += spec.health.within;
    rules.limits.gate_passes = spec.rolling.passes;
    rules.limits.min_healthy = spec.rolling.min_healthy;
    rules.limits.keep = spec.rolling.keep;
    return rules;
}

contract::PoolSize pool_size_of(const topology::Pool& pool) {
    const auto sized = pool.sized();
    const auto mode = sized.mode == topology::PoolMode::fixed     ? contract::PoolMode::fixed
                      : sized.mode == topology::PoolMode::dynamic ? contract::PoolMode::dynamic
                                                                  : contract::PoolMode::ondemand;
    return {mode, sized.min, sized.max, sized.min_spare, sized.max_spare, sized.idle_timeout};
}

contract::PoolSize fixed_size(int children) {
    return {contract::PoolMode::fixed, children, children, 0, 0, std::chrono::milliseconds(0)};
}

std::string program_of(topology::Binaries build, topology::Kind kind) {
    switch (build) {
    case topology::Binaries::one: return "mpsup-heavy";
    case topology::Binaries::dso: return "mpsup-worker";
    case topology::Binaries::two: break;
    }
    return kind == topology::Kind::dynamic ? "mpsup-heavy" : "mpsup-light";
}

} // namespace mpsup
