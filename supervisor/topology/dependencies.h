// In which order workers are started.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

#include <span>
#include <string>
#include <vector>

namespace mpsup::topology {

/// The names of the workers: each after those it depends on, else in their order. Whoever waits for itself, by whatever way
/// round, is left out, and so is who waits for such. A name that is no worker's is not waited for.
[[nodiscard]] std::vector<std::string> start_order(std::span<const WorkerSpec> workers);

/// Dependencies on nobody, and circles. `root` is the tree that the topology was read from.
[[nodiscard]] Findings check_dependencies(const Topology& topology, const Node& root);

} // namespace mpsup::topology
