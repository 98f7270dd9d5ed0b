#include "supervisor/daemon/endpoint.h"

#include "base/listener.h"
#include "supervisor/topology/front.h"

namespace mpsup {

Endpoint Endpoint::socket(std::string path) {
    Endpoint endpoint;
    endpoint.path = std::move(path);
    return endpoint;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
    constexpr std::string_view prefix = "unix:";
    if (text.starts_with(prefix) && text.substr(prefix.size()).starts_with('/'))
        return socket(std::string(text.substr(prefix.size())));
    if (auto address = Address::parse(text)) return Endpoint(std::move(*address));
    return std::nullopt;
}

std::vector<Endpoint> endpoints_of(const topology::WorkerSpec& worker, const SitePaths& paths) {
    if (worker.kind == topology::Kind::dynamic && worker.is_private())
        return {Endpoint::socket(paths.pool_folder() + "/" + topology::pool_socket_of(worker))};
    return {worker.listen.begin(), worker.listen.end()};
}

std::vector<Endpoint> endpoints_of(const topology::Topology& topology, const SitePaths& paths) {
    std::vector<Endpoint> all;
    for (const topology::WorkerSpec& worker : topology.workers)
        for (Endpoint& endpoint : endpoints_of(worker, paths)) all.push_back(std::move(endpoint));
    return all;
}

std::optional<Endpoint> listening_endpoint(int fd) {
    if (auto address = listening_address(fd)) return Endpoint(std::move(*address));
    if (auto path = listening_path(fd)) return Endpoint::socket(std::move(*path));
    return std::nullopt;
}

} // namespace mpsup
