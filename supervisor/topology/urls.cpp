#include "supervisor/daemon/urls.h"

#include <algorithm>

namespace mpsup {

namespace {

using topology::Kind;

bool has_tls(const topology::WorkerSpec& worker, const Address& address) {
    const auto flags = worker.front->flags.find(address);
    return flags != worker.front->flags.end() && flags->second.tls;
}

// The first accelerator with a route to it.
const topology::WorkerSpec* accelerator_of(const topology::Topology& topology, const topology::WorkerSpec& pool) {
    for (const topology::WorkerSpec& worker : topology.workers)
        for (const topology::RouteSpec& route : worker.front->routes)
            if (route.fallback == pool.name || std::ranges::find(route.to, pool.name) != route.to.end()) return &worker;
    return nullptr;
}

} // namespace

std::string url_of(const topology::WorkerSpec& worker, const Address& address) {
    constexpr std::uint16_t http = 80;
    constexpr std::uint16_t https = 443;
    const bool is_secure = has_tls(worker, address);
    std::string text = address.to_string();
    if (address.port == (is_secure ? https : http)) text.resize(text.rfind(':'));
    return (is_secure ? "https://" : "http://") + text;
}

std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker) {
    if (worker.listen.empty()) {
        const topology::WorkerSpec* const front = accelerator_of(topology, worker);
        return front && !front->listen.empty() ? public_url(topology, *front) : std::string();
    }
    const auto secure = std::ranges::find_if(worker.listen, [&](const Address& each) { return has_tls(worker, each); });
    const Address& chosen = secure == worker.listen.end() ? worker.listen.front() : *secure;
    std::string url = url_of(worker, chosen);
    if (!chosen.is_any() || topology.machines.empty()) return url;
    const std::string any = chosen.is_ipv6() ? "[::]" : chosen.ip;
    const std::string& own = topology.machines.front().ip;
    return url.replace(url.find(any), any.size(), own.contains(':') ? "[" + own + "]" : own);
}

std::map<std::string, std::string> urls_of(const topology::Topology& topology) {
    std::map<std::string, std::string> urls;
    const auto add = [&](const char* name, Kind kind) {
        const auto first = std::ranges::find(topology.workers, kind, &topology::WorkerSpec::kind);
        if (first != topology.workers.end()) urls.emplace(name, public_url(topology, *first));
    };
    add("MPSUP_DYNAMIC_URL", Kind::dynamic);
    add("MPSUP_STATIC_URL", Kind::static_files);
    add("MPSUP_STATIC_URL", Kind::accelerator); // where there is no other
    return urls;
}

std::string layout_of(const topology::Topology& topology) {
    const auto& workers = topology.workers;
    if (std::ranges::find(workers, Kind::accelerator, &topology::WorkerSpec::kind) != workers.end())
        return "accelerated";
    const bool is_pair = workers.size() == 2 && workers[0].kind != workers[1].kind && workers[0].listen.size() == 1 &&
                         workers[1].listen.size() == 1;
    if (!is_pair) return "custom";
    return workers[0].listen[0].ip == workers[1].listen[0].ip ? "two-ports" : "two-ips";
}

} // namespace mpsup
