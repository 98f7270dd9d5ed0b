// Where clients find the workers of a site.
#pragma once

#include "supervisor/topology/topology.h"

#include <map>
#include <string>

namespace mpsup {

/// What clients type to reach a listener of a worker: "http://127.0.0.1:8080", "https://10.0.0.1".
[[nodiscard]] std::string url_of(const topology::WorkerSpec& worker, const Address& address);

/// The same, where a listener on every address is reached at the machine's own.
[[nodiscard]] std::string url_at(const topology::Topology& topology, const topology::WorkerSpec& worker,
                                 const Address& address);

/// What clients type to reach a worker: its first listener, one with TLS if there is any. A listener on every address is
/// reached at the machine's own. Where an accelerator leads to it: that one's. Empty: nobody reaches it.
[[nodiscard]] std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker);

/// What every worker is told of where the others are, in its environment: MPSUP_STATIC_URL and MPSUP_DYNAMIC_URL, of
/// the first of each kind; without a static worker the accelerator is where the files are.
[[nodiscard]] std::map<std::string, std::string> urls_of(const topology::Topology& topology);

/// How the site is built and placed, by the names of the files in topologies/: "one-big", "two-ports", "two-ips", "dso", these
/// behind "accelerated-", "accelerated" alone where the accelerator is all there is before a pool; or "custom".
[[nodiscard]] std::string layout_of(const topology::Topology& topology);

} // namespace mpsup
