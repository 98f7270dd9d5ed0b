#include "supervisor/topology/urls.h"

#include "supervisor/topology/moved.h"

#include <algorithm>
#include <utility>

namespace mpsup::topology {

namespace {

bool has_tls(const WorkerSpec& worker, const Address& address) {
    const auto flags = worker.front->flags.find(address);
    return flags != worker.front->flags.end() && flags->second.tls;
}

// The first accelerator with a route to it.
const WorkerSpec* accelerator_of(const Topology& topology, const WorkerSpec& pool) {
    for (const WorkerSpec& worker : topology.workers)
        for (const RouteSpec& route : worker.front->routes)
            if (route.fallback == pool.name || std::ranges::find(route.to, pool.name) != route.to.end()) return &worker;
    return nullptr;
}

// "http://127.0.0.1:8080 /static/ /img/"
std::string words_of(const contract::LinkServer& server) {
    std::string words = server.url;
    for (const std::string& path : server.serves) words += " " + path;
    return server.serves.empty() ? words + " /" : words;
}

} // namespace

std::string url_of(const WorkerSpec& worker, const Address& address) {
    constexpr std::uint16_t http = 80;
    constexpr std::uint16_t https = 443;
    const bool is_secure = has_tls(worker, address);
    std::string text = address.to_string();
    if (address.port == (is_secure ? https : http)) text.resize(text.rfind(':'));
    return (is_secure ? "https://" : "http://") + text;
}

std::string public_url(const Topology& topology, const WorkerSpec& worker) {
    if (!worker.public_url.empty()) return worker.public_url;
    if (worker.listen.empty()) {
        const WorkerSpec* const front = accelerator_of(topology, worker);
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

std::vector<PublicServer> public_servers(const Topology& topology) {
    std::vector<PublicServer> servers;
    for (const WorkerSpec& worker : topology.workers) {
        if (worker.kind == Kind::accelerator || worker.listen.empty() || worker.name == moved_worker) continue;
        contract::LinkServer server{public_url(topology, worker), worker.serves};
        if (worker.kind == Kind::dynamic && !server.serves.empty()) server.serves.insert(server.serves.begin(), "/");
        servers.push_back({&worker, std::move(server)});
    }
    return servers;
}

std::map<std::string, std::string> urls_of(const Topology& topology) {
    std::map<std::string, std::string> urls;
    const auto add = [&](const char* name, Kind kind) {
        const auto first = std::ranges::find_if(topology.workers, [&](const WorkerSpec& worker) {
            return worker.kind == kind && worker.name != moved_worker;
        });
        if (first != topology.workers.end()) urls.emplace(name, public_url(topology, *first));
    };
    add("MPSUP_DYNAMIC_URL", Kind::dynamic);
    add("MPSUP_STATIC_URL", Kind::static_files);
    add("MPSUP_STATIC_URL", Kind::accelerator); // where there is no other
    return urls;
}

std::string servers_in_words(const Topology& topology) {
    std::string application;
    std::string files;
    for (const auto& [worker, server] : public_servers(topology))
        if (worker->kind == Kind::static_files && !server.serves.empty())
            files += " " + words_of(server);
        else if (worker->kind == Kind::dynamic && application.empty())
            application = words_of(server);
    return application.empty() ? files.substr(files.empty() ? 0 : 1) : application + files;
}

std::string layout_of(const Topology& topology) {
    const auto workers = without_moved(topology).workers;
    if (std::ranges::find(workers, Kind::accelerator, &WorkerSpec::kind) != workers.end()) return "accelerated";
    const bool is_pair = workers.size() == 2 && workers[0].kind != workers[1].kind && workers[0].listen.size() == 1 &&
                         workers[1].listen.size() == 1;
    if (!is_pair) return "custom";
    return workers[0].listen[0].ip == workers[1].listen[0].ip ? "two-ports" : "two-ips";
}

} // namespace mpsup::topology
