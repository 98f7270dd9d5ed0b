// What the routes of a topology must agree on with each other, and with the workers they lead to.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

namespace mpsup::topology {

/// Writing anything of `cache` switches it on, unless `when` says otherwise. Afterwards rule.cache.on says it.
void settle_cache(RouteSpec& route);

/// Routes that lead nowhere, to two places, in a circle, or are never reached; workers that nobody reaches; TLS without
/// certificates. `root` is the tree that the topology was read from: it says where things stand. What only makes no sense
/// (routes that nothing reaches) is looked for in a file alone: a document of before was accepted once.
[[nodiscard]] Findings check_routes(const Topology& topology, const Node& root, bool is_file);

} // namespace mpsup::topology
