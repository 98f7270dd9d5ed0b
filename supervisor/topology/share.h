// What one machine runs of a topology for several.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <string_view>

namespace mpsup::topology {

/// Does the file name more than one machine? Such a topology, and a share of it, is for supervisors of a cluster alone.
[[nodiscard]] bool is_for_several(const Topology& topology) noexcept;

/// The share of `machine` in `whole`; of a share: in what that was made from. A Topology as the daemon runs any other, in which
///
/// - `workers` are those that run on the machine, in the order of the file, then the gateways of its pools, which no file has: an
///   accelerator NAME-gateway each (`gateway_of` is NAME), without a cache, with one route `/` to the pool, which believes what
///   the machines of accelerators that lead there say of clients, and listens with TLS where `gateway.tls` is there
///   (`gateway` is a copy of the pool's: whose certificates it asks for is for the front that is made of it). `listen` and
///   `gateway.listen` are in full; `depends_on` has workers of this machine alone.
/// - a route (or `try`) to a pool has in `elsewhere` where the pool is reached on other machines, in the order of its `on`,
///   and in `tls` how; `socket` is empty where the pool is not on this machine too. `to` and `fallback` still name the pool.
///   Without a `check` of the route's own those addresses are asked for the pool's `health.path`.
/// - `others` are the workers of other machines, as the whole has them: for links and URLs, never to be started.
/// - `here` is `machine`, `whole` what it was made from, and all else as there; `machines` are all of them.
///
/// A machine that the whole does not name has no workers, only others. Of a topology of one machine the share of that machine has
/// all workers. What a share is was proved when the whole was: nothing of it is checked again.
///
/// to_document of a share is that of its whole, with `here`, with `moved` if it has that worker, and with those of `workers` that
/// were changed since (but gateways: they are as the whole says); from_document makes it again.
[[nodiscard]] Topology share_of(const Topology& whole, std::string_view machine);

/// The shares of all machines as one topology, that of `here` first (of a whole: that of the first machine), for whoever follows
/// requests and links from machine to machine; never to be run. `on` of each worker names its one machine, so who is on
/// several is there several times. Of a topology of one machine: that.
[[nodiscard]] Topology over_all_machines(const Topology& topology);

/// "NAME-gateway"
[[nodiscard]] std::string gateway_name(std::string_view pool);

} // namespace mpsup::topology
