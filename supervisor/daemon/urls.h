// Where clients find the workers of a site.
#pragma once

#include "supervisor/topology/topology.h"

#include <map>
#include <string>

namespace mpsup {

/// What clients type to reach a worker: "http://127.0.0.1:8080". A listener on every address is reached at the
/// machine's own.
[[nodiscard]] std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker);

/// What every worker is told of where the others are, in its environment: MPSUP_STATIC_URL and MPSUP_DYNAMIC_URL, of
/// the first of each kind.
[[nodiscard]] std::map<std::string, std::string> urls_of(const topology::Topology& topology);

/// "two-ports", "two-ips" or "custom": how the site is placed.
[[nodiscard]] std::string layout_of(const topology::Topology& topology);

} // namespace mpsup
