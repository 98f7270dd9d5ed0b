// What a file says of several machines, and whether it can be so.
#pragma once

#include "supervisor/topology/listener_overlaps.h"
#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

#include <vector>

namespace mpsup::topology {

/// Settles where workers run: ports of those on one machine become addresses (settle_ports), `on` of the only machine is left out,
/// `vip.on` is filled in. What is wrong with machines, `on`, `vip`, `gateway` and the listeners of workers on several
/// machines. Where there is one machine, any address may be listened on: it may have others than it is known by.
[[nodiscard]] Findings settle_machines(Topology& topology, const Node& root,
                                       const std::vector<PlacedListener>& listeners);

/// As check_overlaps, for each machine alone; `listeners` as they are written, gateways with them.
[[nodiscard]] Findings check_overlaps_by_machine(const Topology& topology,
                                                 const std::vector<PlacedListener>& listeners);

/// Where machines are so many that a worker, which must know each where a pool of its routes is, cannot be told. Of a topology
/// that is right otherwise.
[[nodiscard]] Findings check_told(const Topology& topology, const Node& root);

} // namespace mpsup::topology
