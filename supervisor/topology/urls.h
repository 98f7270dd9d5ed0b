// Where clients find the workers of a site, on whatever machine they are.
#pragma once

#include "supervisor/topology/topology.h"
#include "worker/contract/links.h"

#include <map>
#include <string>
#include <vector>

namespace mpsup::topology {

/// Do clients speak TLS to this listener of the worker?
[[nodiscard]] bool has_tls(const WorkerSpec& worker, const Address& address);

/// What clients type to reach a listener of a worker: "http://127.0.0.1:8080", "https://10.0.0.1".
[[nodiscard]] std::string url_of(const WorkerSpec& worker, const Address& address);

/// The same, where a port alone and a listener on every address are reached at the machine's own: of a worker on several
/// machines this one's, if it is one of them, else the first one's.
[[nodiscard]] std::string url_at(const Topology& topology, const WorkerSpec& worker, const Address& address);

/// Of a worker that has any, the one that clients are told of: the first, or the first with TLS.
[[nodiscard]] const Address& public_listener(const WorkerSpec& worker);

/// What clients type to reach a worker: its `public`, else the accelerator that leads to it, else its listener. Empty: nobody
/// reaches it.
[[nodiscard]] std::string public_url(const Topology& topology, const WorkerSpec& worker);

/// The same for links, and whether the host in it is our guess: it listens on every address, and neither `public` nor `machines`
/// says more than "127.0.0.1".
[[nodiscard]] contract::LinkServer link_server(const Topology& topology, const WorkerSpec& worker);

/// A static or dynamic worker that clients connect to.
struct PublicServer {
    const WorkerSpec* worker;
    contract::LinkServer server;
};

/// In the order of the topology. What an accelerator leads to is none, and the accelerator itself neither: behind it all
/// paths are of one server. A dynamic worker has every path that is nobody else's, so `serves` of its own are there beside "/".
[[nodiscard]] std::vector<PublicServer> public_servers(const Topology& topology);

/// What every worker is told of where the others are, in its environment: MPSUP_STATIC_URL and MPSUP_DYNAMIC_URL, of
/// the first of each kind; without a static worker the accelerator is where the files are.
[[nodiscard]] std::map<std::string, std::string> urls_of(const Topology& topology);

/// What dynamic workers are told besides, as MPSUP_LINKS: who has which paths, as far as `serves` says so. The first dynamic worker,
/// which has all that is nobody else's, and the static ones with `serves`: each URL is followed by the beginnings of its
/// paths, with spaces between. Empty: there are none.
[[nodiscard]] std::string servers_in_words(const Topology& topology);

/// How the site is built and placed, by the names of the files in topologies/: "one-big", "two-ports", "two-ips", "dso", these
/// behind "accelerated-", "accelerated" alone where the accelerator is all there is before a pool; "two-machines",
/// "accelerated-two-machines", "fleet" of more; or "custom".
[[nodiscard]] std::string layout_of(const Topology& topology);

} // namespace mpsup::topology
