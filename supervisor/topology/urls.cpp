#include "supervisor/topology/urls.h"

#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"

#include <algorithm>
#include <utility>

namespace mpsup::topology {

namespace {

// By its name, or by TCP at one of its listeners.
bool leads_to(const Topology& topology, const std::string& target, const WorkerSpec& worker) {
    const auto is_there = [&](const Address& address) {
        if (!address.ip.empty()) return address.to_string() == target;
        return std::ranges::any_of(machines_of(topology, worker), [&](const Machine* machine) {
            return reached_at(address, *machine).to_string() == target;
        });
    };
    return target == worker.name || std::ranges::any_of(worker.listen, is_there);
}

// The first accelerator with a route to it.
const WorkerSpec* accelerator_of(const Topology& topology, const WorkerSpec& backend) {
    const auto leads_there = [&](const std::string& target) { return leads_to(topology, target, backend); };
    if (backend.kind == Kind::accelerator) return nullptr;
    for (const WorkerSpec* const worker : everyone(topology))
        for (const RouteSpec& route : worker->front->routes)
            if (!is_gateway(*worker) && (leads_there(route.fallback) || std::ranges::any_of(route.to, leads_there)))
                return worker;
    return nullptr;
}

// What stands side by side behind no accelerator, or a static worker that one leads to.
std::string placement_of(const WorkerSpec& one, const WorkerSpec& other) {
    return one.listen[0].ip == other.listen[0].ip ? "two-ports" : "two-ips";
}

std::string accelerated_layout(const Topology& topology, const WorkerSpec& front) {
    if (topology.binaries == Binaries::one) return "accelerated-one-big";
    if (topology.binaries == Binaries::dso) return "accelerated-dso";
    for (const WorkerSpec& worker : topology.workers)
        if (worker.kind == Kind::static_files && !worker.listen.empty() && !front.listen.empty())
            return "accelerated-" + placement_of(front, worker);
    return "accelerated";
}

std::string several_layout(const Topology& topology) {
    constexpr std::size_t two = 2;
    if (topology.machines.size() > two) return "fleet";
    const auto is_accelerator = [](const WorkerSpec* worker) {
        return worker->kind == Kind::accelerator && !is_gateway(*worker);
    };
    return std::ranges::any_of(everyone(topology), is_accelerator) ? "accelerated-two-machines" : "two-machines";
}

std::string text_of(const Address& address, bool is_secure) {
    constexpr std::uint16_t http = 80;
    constexpr std::uint16_t https = 443;
    std::string text = address.to_string();
    if (address.port == (is_secure ? https : http)) text.resize(text.rfind(':'));
    return (is_secure ? "https://" : "http://") + text;
}

// "http://127.0.0.1:8080 /static/ /img/"
std::string words_of(const contract::LinkServer& server) {
    std::string words = server.url;
    for (const std::string& path : server.serves) words += " " + path;
    return server.serves.empty() ? words + " /" : words;
}

} // namespace

bool has_tls(const WorkerSpec& worker, const Address& address) {
    const auto flags = worker.front->flags.find(address);
    return flags != worker.front->flags.end() && flags->second.tls;
}

std::string url_of(const WorkerSpec& worker, const Address& address) {
    return text_of(address, has_tls(worker, address));
}

const Address& public_listener(const WorkerSpec& worker) {
    const auto secure = std::ranges::find_if(worker.listen, [&](const Address& each) { return has_tls(worker, each); });
    return secure == worker.listen.end() ? worker.listen.front() : *secure;
}

std::string url_at(const Topology& topology, const WorkerSpec& worker, const Address& address) {
    const Machine* const machine = nearest_machine(topology, worker);
    return text_of(machine ? reached_at(address, *machine) : address, has_tls(worker, address));
}

std::string public_url(const Topology& topology, const WorkerSpec& worker) {
    if (!worker.public_url.empty()) return worker.public_url;
    if (const WorkerSpec* const front = accelerator_of(topology, worker)) {
        return front->listen.empty() ? std::string() : public_url(topology, *front);
    }
    if (worker.listen.empty()) return {};
    return url_at(topology, worker, public_listener(worker));
}

contract::LinkServer link_server(const Topology& topology, const WorkerSpec& worker) {
    const bool is_somewhere = worker.public_url.empty() && !worker.listen.empty() && !accelerator_of(topology, worker);
    const bool is_alone = topology.machines.empty() || topology.machines.front() == assumed_machine();
    return {public_url(topology, worker), worker.serves, is_somewhere && is_alone && public_listener(worker).is_any()};
}

std::vector<PublicServer> public_servers(const Topology& topology) {
    std::vector<PublicServer> servers;
    for (const WorkerSpec* const worker : everyone(topology)) {
        if (worker->kind == Kind::accelerator || worker->listen.empty() || worker->name == moved_worker ||
            accelerator_of(topology, *worker))
            continue;
        contract::LinkServer server = link_server(topology, *worker);
        if (worker->kind == Kind::dynamic && !server.serves.empty()) server.serves.insert(server.serves.begin(), "/");
        servers.push_back({worker, std::move(server)});
    }
    return servers;
}

std::map<std::string, std::string> urls_of(const Topology& topology) {
    std::map<std::string, std::string> urls;
    const auto all = everyone(topology);
    const auto add = [&](const char* name, Kind kind) {
        const auto first = std::ranges::find_if(all, [&](const WorkerSpec* worker) {
            return worker->kind == kind && worker->name != moved_worker && !is_gateway(*worker);
        });
        if (first != all.end()) urls.emplace(name, public_url(topology, **first));
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
    if (is_for_several(topology)) return several_layout(topology);
    const Topology without = without_moved(topology);
    const auto& workers = without.workers;
    const auto front = std::ranges::find(workers, Kind::accelerator, &WorkerSpec::kind);
    if (front != workers.end()) return accelerated_layout(without, *front);
    if (workers.size() == 1 && workers[0].kind == Kind::dynamic && !workers[0].root.empty()) return "one-big";
    const bool is_pair = workers.size() == 2 && workers[0].kind != workers[1].kind && workers[0].listen.size() == 1 &&
                         workers[1].listen.size() == 1;
    if (!is_pair) return "custom";
    return topology.binaries == Binaries::dso ? "dso" : placement_of(workers[0], workers[1]);
}

} // namespace mpsup::topology
