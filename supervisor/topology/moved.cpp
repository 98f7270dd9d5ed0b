#include "supervisor/topology/moved.h"

#include "supervisor/topology/placement.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace mpsup::topology {

namespace {

constexpr auto end_of_time = "MOVED_UNTIL"; // in its environment: so it is in the database, and over when the worker is
constexpr auto own_paths = "/.mpsup/moved/"; // nothing is there: every path is another's
constexpr auto own_url = "http://moved.invalid";

bool is_plain(const WorkerSpec& worker, const Address& address) {
    const auto flags = worker.front->flags.find(address);
    return flags == worker.front->flags.end() || flags->second == ListenerFlags{};
}

bool is_wanted(const Topology& wanted, const Address& address) {
    return std::ranges::any_of(wanted.workers, [&](const WorkerSpec& worker) {
        return std::ranges::any_of(worker.listen, [&](const Address& other) { return other.overlaps(address); });
    });
}

// An accelerator leads to it: clients had no business there, and must not meet somebody else while that one ends.
bool is_backend(const Topology& topology, const Address& address) {
    return std::ranges::any_of(topology.workers, [&](const WorkerSpec& worker) {
        return std::ranges::any_of(worker.front->routes, [&](const RouteSpec& route) {
            const auto is_it = [&](const std::string& target) { return Address::parse(target) == address; };
            return is_it(route.fallback) || std::ranges::any_of(route.to, is_it);
        });
    });
}

} // namespace

Topology with_moved(const Topology& before, Topology wanted, std::int64_t now_ms) {
    wanted = without_moved(std::move(wanted));
    const std::int64_t old_end = moved_until(before).value_or(0);
    WorkerSpec moved{.name = std::string(moved_worker), .root = "/", .serves = {own_paths}};
    bool is_longer = false;
    for (const WorkerSpec& worker : before.workers)
        for (const Address& address : worker.listen) {
            const bool was_moved = worker.name == moved_worker;
            if (is_gateway(worker) || !is_plain(worker, address) || is_wanted(wanted, address) ||
                is_backend(before, address) || (was_moved && old_end <= now_ms))
                continue;
            moved.listen.push_back(address);
            is_longer = is_longer || !was_moved;
        }
    if (moved.listen.empty() || wanted.moved.count() == 0 || links_of_moved(wanted).servers.empty()) return wanted;
    moved.env[end_of_time].text = std::to_string(is_longer ? now_ms + wanted.moved.count() : old_end);
    wanted.workers.push_back(std::move(moved));
    return wanted;
}

Topology without_moved(Topology topology) {
    std::erase_if(topology.workers, [](const WorkerSpec& worker) { return worker.name == moved_worker; });
    return topology;
}

std::optional<std::int64_t> moved_until(const Topology& topology) {
    const WorkerSpec* moved = topology.find(moved_worker);
    if (!moved) return std::nullopt;
    std::int64_t end = 0;
    if (const auto found = moved->env.find(end_of_time); found != moved->env.end()) {
        const std::string& text = found->second.text;
        std::from_chars(text.data(), text.data() + text.size(), end);
    }
    return end;
}

contract::Links links_of_moved(const Topology& topology) {
    contract::Links links{.mode = contract::Links::Mode::redirect};
    const auto all = everyone(topology);
    const auto front = std::ranges::find_if(all, [](const WorkerSpec* worker) {
        return worker->kind == Kind::accelerator && !worker->listen.empty() && !is_gateway(*worker);
    });
    if (front != all.end())
        links.servers.push_back(link_server(topology, **front));
    else
        for (PublicServer& each : public_servers(topology)) links.servers.push_back(std::move(each.server));
    if (links.servers.empty()) return {};
    links.own = static_cast<std::uint32_t>(links.servers.size());
    links.servers.push_back({own_url, {own_paths}});
    return contract::encoded_size(links) <= contract::max_links_bytes ? links : contract::Links{};
}

} // namespace mpsup::topology
