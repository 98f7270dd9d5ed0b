// What a worker's spec means to those who do not know topologies: the core, and the worker itself.
#pragma once

#include "supervisor/core/worker_rules.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/messages.h"

#include <string>

namespace mpsup {

/// What the core is told of a spec.
[[nodiscard]] core::WorkerRules rules_of(const topology::WorkerSpec& spec);
/// What a pool master is told of its size.
[[nodiscard]] contract::PoolSize pool_size_of(const topology::Pool& pool);
/// A fixed size.
[[nodiscard]] contract::PoolSize fixed_size(int children);
/// The program of a worker in a build: "mpsup-light", "mpsup-heavy" or "mpsup-worker".
[[nodiscard]] std::string program_of(topology::Binaries build, topology::Kind kind);

} // namespace mpsup
