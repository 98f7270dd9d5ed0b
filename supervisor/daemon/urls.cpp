#include "supervisor/daemon/urls.h"

#include <algorithm>

namespace mpsup {

namespace {

using topology::Kind;

bool has_tls(const topology::WorkerSpec& worker, const Address& address) {
    const auto flags = worker.front->flags.find(address);
    return flags != worker.front->flags.end() && flags->second.tls;
}

// By its name, or by TCP at one of its listeners.
bool leads_to(const std::string& target, const topology::WorkerSpec& worker) {
    const auto is_there = [&](const Address& address) { return address.to_string() == target; };
    return target == worker.name || std::ranges::any_of(worker.listen, is_there);
}

// The first accelerator with a route to it.
const topology::WorkerSpec* accelerator_of(const topology::Topology& topology, const topology::WorkerSpec& backend) {
    const auto leads_there = [&](const std::string& target) { return leads_to(target, backend); };
    for (const topology::WorkerSpec& worker : topology.workers)
        for (const topology::RouteSpec& route : worker.front->routes)
            if (leads_there(route.fallback) || std::ranges::any_of(route.to, leads_there)) return &worker;
    return nullptr;
}

// What stands side by side behind no accelerator, or a static worker that one leads to.
std::string placement_of(const topology::WorkerSpec& one, const topology::WorkerSpec& other) {
    return one.listen[0].ip == other.listen[0].ip ? "two-ports" : "two-ips";
}

std::string accelerated_layout(const topology::Topology& topology, const topology::WorkerSpec& front) {
    if (topology.binaries == topology::Binaries::one) return "accelerated-one-big";
    if (topology.binaries == topology::Binaries::dso) return "accelerated-dso";
    for (const topology::WorkerSpec& worker : topology.workers)
        if (worker.kind == Kind::static_files && !worker.listen.empty() && !front.listen.empty())
            return "accelerated-" + placement_of(front, worker);
    return "accelerated";
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

std::string url_at(const topology::Topology& topology, const topology::WorkerSpec& worker, const Address& address) {
    std::string url = url_of(worker, address);
    if (!address.is_any() || topology.machines.empty()) return url;
    const std::string any = address.is_ipv6() ? "[::]" : address.ip;
    const std::string& own = topology.machines.front().ip;
    return url.replace(url.find(any), any.size(), own.contains(':') ? "[" + own + "]" : own);
}

std::string public_url(const topology::Topology& topology, const topology::WorkerSpec& worker) {
    if (const topology::WorkerSpec* const front = accelerator_of(topology, worker);
        worker.kind != Kind::accelerator && front && !front->listen.empty())
        return public_url(topology, *front);
    if (worker.listen.empty()) return {};
    const auto secure = std::ranges::find_if(worker.listen, [&](const Address& each) { return has_tls(worker, each); });
    const Address& chosen = secure == worker.listen.end() ? worker.listen.front() : *secure;
    return url_at(topology, worker, chosen);
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
    const auto front = std::ranges::find(workers, Kind::accelerator, &topology::WorkerSpec::kind);
    if (front != workers.end()) return accelerated_layout(topology, *front);
    if (workers.size() == 1 && workers[0].kind == Kind::dynamic && !workers[0].root.empty()) return "one-big";
    const bool is_pair = workers.size() == 2 && workers[0].kind != workers[1].kind && workers[0].listen.size() == 1 &&
                         workers[1].listen.size() == 1;
    if (!is_pair) return "custom";
    return topology.binaries == topology::Binaries::dso ? "dso" : placement_of(workers[0], workers[1]);
}

} // namespace mpsup
