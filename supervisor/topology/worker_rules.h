// What the keys of one worker must agree on with each other.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

#include <optional>

namespace mpsup::topology {

/// `named`: the worker as it is written. `kind`: nothing when it is not known.
[[nodiscard]] Findings check_worker(const Node::Entry& named, std::optional<Kind> kind, const WorkerSpec& spec);

} // namespace mpsup::topology
