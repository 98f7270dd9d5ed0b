#include "supervisor/daemon/cluster_facts.h"

#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"

#include <algorithm>
#include <map>
#include <optional>

namespace mpsup {

namespace {

using Names = std::vector<std::string>;

// What a target of a route is, of all that the site has.
struct Place {
    std::string what{};
    Names on{};
};

class Places {
public:
    explicit Places(const topology::Topology& whole) : whole_(whole) {
        for (const topology::WorkerSpec& worker : whole.workers)
            for (const topology::Machine* machine : topology::machines_of(whole, worker))
                for (const Address& address : worker.listen)
                    if (!topology::is_loopback(address))
                        at_[topology::reached_at(address, *machine)] = {worker.name, {machine->name}};
    }

    /// Nothing: it is not the site's, or on the machine of whoever asks.
    [[nodiscard]] std::optional<Place> of(const std::string& target) const {
        if (const topology::WorkerSpec* pool = whole_.find(target)) return Place{"pool " + target, pool->on};
        const auto address = Address::parse(target);
        const auto found = address ? at_.find(*address) : at_.end();
        return found == at_.end() ? std::nullopt : std::optional(found->second);
    }

private:
    const topology::Topology& whole_;
    std::map<Address, Place> at_;
};

// Nothing: it needs nobody on another machine, or it leads out of the site too.
std::optional<Place> led_to(const topology::RouteSpec& route, const Names& from, const Places& places) {
    Names targets = route.to;
    if (targets.empty() && !route.fallback.empty() && !route.fallback.starts_with('/')) targets = {route.fallback};
    Place all;
    for (const std::string& target : targets) {
        const auto place = places.of(target);
        if (!place) return std::nullopt;
        if (all.what.empty()) all.what = place->what;
        all.on.insert(all.on.end(), place->on.begin(), place->on.end());
    }
    const auto has_it = [&](const std::string& machine) { return std::ranges::find(all.on, machine) != all.on.end(); };
    if (targets.empty() || std::ranges::all_of(from, has_it)) return std::nullopt;
    return all;
}

std::vector<cluster::TopologyFacts::Need> needs_of(const topology::Topology& whole) {
    const Places places(whole);
    std::vector<cluster::TopologyFacts::Need> needs;
    const auto add = [&](const topology::WorkerSpec& worker, const topology::RouteSpec& route) {
        const auto place = led_to(route, worker.on, places);
        if (!place) return;
        cluster::TopologyFacts::Need need{place->what, worker.name, place->on};
        if (std::ranges::find(needs, need) == needs.end()) needs.push_back(std::move(need));
    };
    for (const topology::WorkerSpec& worker : whole.workers) {
        add(worker, worker.front->own);
        for (const topology::RouteSpec& route : worker.front->routes) add(worker, route);
    }
    if (!whole.vip.ip.empty()) needs.push_back({"the address " + whole.vip.text(), {}, whole.vip.on});
    return needs;
}

// Names, by machine.
std::map<std::string, std::set<std::string>> workers_of(const topology::Topology& whole) {
    std::map<std::string, std::set<std::string>> workers;
    for (const topology::WorkerSpec& worker : whole.workers)
        for (const topology::Machine* machine : topology::machines_of(whole, worker)) {
            workers[machine->name].insert(worker.name);
            if (worker.gateway) workers[machine->name].insert(topology::gateway_name(worker.name));
        }
    return workers;
}

// By machine.
std::map<std::string, std::set<std::string>> offers_of(const topology::Topology& whole) {
    std::map<std::string, std::set<std::string>> offers;
    for (const topology::WorkerSpec& worker : whole.workers)
        for (const topology::Machine* machine : topology::machines_of(whole, worker)) {
            auto& here = offers[machine->name];
            for (const Address& address : worker.listen)
                if (!topology::is_loopback(address)) here.insert(topology::reached_at(address, *machine).to_string());
            if (worker.gateway) here.insert(topology::reached_at(worker.gateway->listen, *machine).to_string());
        }
    return offers;
}

} // namespace

cluster::TopologyFacts facts_of(const topology::Topology& whole) {
    cluster::TopologyFacts facts;
    auto offers = offers_of(whole);
    auto workers = workers_of(whole);
    for (const topology::Machine& machine : whole.machines) {
        const auto is_here = [&](const topology::WorkerSpec& worker) {
            return worker.kind == topology::Kind::accelerator &&
                   std::ranges::find(worker.on, machine.name) != worker.on.end();
        };
        facts.machines.push_back({machine.name, std::ranges::any_of(whole.workers, is_here),
                                  std::move(offers[machine.name]), std::move(workers[machine.name]), machine.ip});
    }
    facts.allowed = whole.cluster.allowed(static_cast<int>(whole.machines.size()));
    if (!whole.vip.ip.empty()) facts.vip = {whole.vip.text(), whole.vip.on};
    facts.needs = needs_of(whole);
    return facts;
}

std::set<Address> addresses_of(const topology::Topology& whole, const std::vector<std::string>& machines) {
    std::set<Address> addresses;
    for (const std::string& name : machines) {
        const topology::Machine* machine = topology::find_machine(whole, name);
        if (!machine) continue;
        for (const topology::WorkerSpec& worker : share_of(whole, name).workers)
            for (const Address& address : worker.listen) addresses.insert(topology::reached_at(address, *machine));
    }
    return addresses;
}

} // namespace mpsup
