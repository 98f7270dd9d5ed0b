// Where clients find the workers of a site.
#pragma once

#include "supervisor/topology/topology.h"

#include <map>
#include <string>

namespace mpsup {

/// What clients type to reach a listener of a worker: "http://127.0.0.1:8080", "https://10.0.0.1".
[[nodiscard]] std::string url_of(const topology::WorkerSpec& worker, const Address& address);

/// What clients type to reach a worker: its first listener, one with TLS if there is any. A listener on every address is
/// reached at the machine's own. Of a pool without one: the accelerator that leads to it. Empty: nobody reaches it.
[[nodiscard]] std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker);

/// What every worker is told of where the others are, in its environment: MPSUP_STATIC_URL and MPSUP_DYNAMIC_URL, of
/// the first of each kind; without a static worker the accelerator is where the files are.
[[nodiscard]] std::map<std::string, std::string> urls_of(const topology::Topology& topology);

/// "two-ports", "two-ips", "accelerated" or "custom": how the site is placed.
[[nodiscard]] std::string layout_of(const topology::Topology& topology);

} // namespace mpsup
