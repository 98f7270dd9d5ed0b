#include "supervisor/topology/placement.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mpsup::topology {

namespace {

// To addresses that have this one.
void give_ip(WorkerSpec& worker, const std::string& before, const std::string& after) {
    const auto give = [&](Address& address) {
        if (address.ip == before) address.ip = after;
    };
    if (std::ranges::find(worker.listen, before, &Address::ip) != worker.listen.end()) {
        std::map<Address, ListenerFlags> flags;
        for (const auto& [address, of_it] : worker.front->flags) {
            Address given = address;
            give(given);
            flags.emplace(std::move(given), of_it);
        }
        if (!flags.empty()) worker.front.edit().flags = std::move(flags);
        std::ranges::for_each(worker.listen, give);
    }
    if (worker.gateway) give(worker.gateway->listen);
}

} // namespace

std::optional<Address> parse_endpoint(std::string_view text) {
    Address address;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), address.port);
    const bool is_port = error == std::errc{} && end == text.data() + text.size() && !text.starts_with('0');
    if (is_port) return address;
    return Address::parse(text);
}

std::string endpoint_text(const Address& address) {
    return address.ip.empty() ? std::to_string(address.port) : address.to_string();
}

const Machine* find_machine(const Topology& topology, std::string_view name) noexcept {
    const auto found = std::ranges::find(topology.machines, name, &Machine::name);
    return found == topology.machines.end() ? nullptr : &*found;
}

std::vector<const Machine*> machines_of(const Topology& topology, const WorkerSpec& worker) {
    std::vector<const Machine*> machines;
    if (worker.on.empty() && topology.machines.size() == 1) return {&topology.machines.front()};
    std::vector<bool> taken(topology.machines.size());
    std::size_t at = 0; // mostly in the order of the file, so each is found at once
    for (const std::string& name : worker.on)
        for (std::size_t looked = 0; looked < taken.size(); ++looked, at = (at + 1) % taken.size()) {
            if (topology.machines[at].name != name) continue;
            if (!taken[at]) machines.push_back(&topology.machines[at]);
            taken[at] = true;
            break;
        }
    return machines;
}

bool runs_on(const Topology& topology, const WorkerSpec& worker, std::string_view machine) {
    if (worker.on.empty()) return topology.machines.size() == 1 && topology.machines.front().name == machine;
    return std::ranges::find(worker.on, machine) != worker.on.end() && find_machine(topology, machine);
}

const Machine* nearest_machine(const Topology& topology, const WorkerSpec& worker) {
    const bool is_of_no_file = worker.on.empty() && !topology.here.empty();
    if (is_of_no_file || runs_on(topology, worker, topology.here)) return find_machine(topology, topology.here);
    const auto machines = machines_of(topology, worker);
    return machines.empty() ? nullptr : machines.front();
}

Address reached_at(const Address& address, const Machine& machine) {
    return address.ip.empty() || address.is_any() ? Address{machine.ip, address.port} : address;
}

void settle_ports(WorkerSpec& worker, const Machine& machine) { give_ip(worker, "", machine.ip); }

void unsettle_ports(WorkerSpec& worker, const Machine& machine) {
    if (worker.on.size() > 1) give_ip(worker, machine.ip, "");
}

std::optional<Address> remote_address(const WorkerSpec& pool, const Machine& machine) {
    if (pool.gateway) return reached_at(pool.gateway->listen, machine);
    const auto first = std::ranges::find_if(
        pool.listen, [&](const Address& address) { return !is_loopback(address) || address.ip == machine.ip; });
    return first == pool.listen.end() ? std::nullopt : std::optional(reached_at(*first, machine));
}

std::vector<const WorkerSpec*> everyone(const Topology& topology) {
    std::vector<const WorkerSpec*> all;
    auto own = topology.workers.begin();
    auto other = topology.others.begin(); // both in the order of the file
    if (topology.whole)
        for (const WorkerSpec& worker : topology.whole->workers) {
            if (other != topology.others.end() && other->name == worker.name)
                all.push_back(&*other++);
            else if (own != topology.workers.end() && own->name == worker.name)
                all.push_back(&*own++);
        }
    for (; own != topology.workers.end(); ++own) all.push_back(&*own);
    return all;
}

bool is_loopback(const Address& address) noexcept { return address.ip.starts_with("127.") || address.ip == "::1"; }

} // namespace mpsup::topology
