#include "supervisor/daemon/urls.h"

namespace mpsup {

std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker) {
    if (worker.listen.empty()) return {};
    Address address = worker.listen.front();
    if (address.is_any() && !topology.machines.empty()) address.ip = topology.machines.front().ip;
    return "http://" + address.to_string();
}

std::map<std::string, std::string> urls_of(const topology::Topology& topology) {
    std::map<std::string, std::string> urls;
    for (const topology::WorkerSpec& worker : topology.workers) {
        const bool is_dynamic = worker.kind == topology::Kind::dynamic;
        urls.emplace(is_dynamic ? "MPSUP_DYNAMIC_URL" : "MPSUP_STATIC_URL", public_url(topology, worker));
    }
    return urls;
}

std::string layout_of(const topology::Topology& topology) {
    const auto& workers = topology.workers;
    const bool is_pair = workers.size() == 2 && workers[0].kind != workers[1].kind && workers[0].listen.size() == 1 &&
                         workers[1].listen.size() == 1;
    if (!is_pair) return "custom";
    return workers[0].listen[0].ip == workers[1].listen[0].ip ? "two-ports" : "two-ips";
}

} // namespace mpsup
