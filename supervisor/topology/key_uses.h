// Keys of routes that are of no use where they were written.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

namespace mpsup::topology {

/// Keys that nothing comes of where they stand, numbers of which one makes the other pointless, patterns that were meant for
/// another language. In a route it is an error; a warning where it is harmless, and in a worker, for all of its routes.
[[nodiscard]] Findings check_key_uses(const Topology& topology, const Node& root);

} // namespace mpsup::topology
