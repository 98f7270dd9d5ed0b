// What is allowed and yet seldom meant: what the mod_perl guide warned of, for sites of light and heavy workers.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"

#include <cstdint>

namespace mpsup::topology {

/// Warnings about a topology that is valid, each with its code, at its place in the tree that the topology was made
/// from:
/// - heavy-public: there is an accelerator, and a dynamic worker is reached past it on an address that is not
///   loopback.
/// - heavy-keep-alive: a dynamic worker on an address that the world may reach (not loopback, not private: RFC 1918,
///   RFC 4193, link-local) and no accelerator: connections that are kept are each at one child.
/// - heavy-files: a dynamic worker hands out files (`serves`) although there is a light worker; not where they have
///   `expires` and every way to it leads through a cache.
/// - pool-memory: the largest pools times what `recycle` lets a child have (`unshared`, else `rss`) is more than the
///   machine has. Pools without such a limit, or with `max: auto`, count for nothing: what their children take is not
///   known.
/// - cached-sessions: a route keeps what an application answers for `default_ttl` though the application does not say
///   so, for all paths: what it makes for one client, by a cookie that the request brought, is then everybody's.
/// `x-allow: [CODE]`, in the worker or at the top, says that it is meant. `memory`: bytes of the machine; 0: unknown,
/// and nothing is said of it. Looks at nothing else; `missing-path`, which does, is of check_links.
[[nodiscard]] Findings advise(const Topology& topology, const Node& root, std::uint64_t memory);

} // namespace mpsup::topology
