#include "supervisor/topology/front.h"

#include "supervisor/topology/placement.h"

#include <algorithm>
#include <cstdint>

namespace mpsup::topology {

namespace {

constexpr std::uint64_t usual_cache = 64ULL << 20;
constexpr auto socket_suffix = ".sock";
constexpr int digest_digits = 8;
constexpr std::string_view hex_digits = "0123456789abcdef";

// "/x/" as what is taken off a path: "/x". Nothing of "/".
std::string without_slash(std::string text) {
    if (text.ends_with('/')) text.pop_back();
    return text;
}

void lead_to(contract::Route& route, const std::vector<std::string>& targets, const RouteSpec& spec,
             const FrontPlaces& places) {
    for (const std::string& target : targets) {
        if (Address::parse(target)) {
            route.backends.push_back({target});
        } else if (!spec.socket.empty() ||
                   spec.elsewhere.empty()) { // on this machine, maybe among others: before all of them
            route.backends.insert(route.backends.begin(), {"unix:" + places.pool_folder + "/" +
                                                           (spec.socket.empty() ? target + ".sock" : spec.socket)});
            route.pool = target;
        }
    }
    for (const std::string& address : spec.elsewhere) route.backends.push_back({address});
}

// What there is beside the folder, where that has no file.
void fall_back(contract::Route& route, const RouteSpec& spec, const FrontPlaces& places) {
    if (spec.fallback.starts_with('/'))
        route.files.try_file = spec.fallback;
    else if (!spec.fallback.empty())
        lead_to(route, {spec.fallback}, spec, places);
}

contract::Route route_of(const RouteSpec& spec, const FrontPlaces& places) {
    contract::Route route = spec.rule;
    const std::string matched = without_slash(route.path.text);
    if (!spec.to.empty()) {
        route.target = contract::Route::Target::upstream;
        route.files = {};
        lead_to(route, spec.to, spec, places);
        if (spec.strip) route.strip_prefix = matched;
        return route;
    }
    route.files.root = spec.alias.empty() ? spec.root : spec.alias;
    if (!spec.alias.empty()) route.files.strip_prefix = matched;
    fall_back(route, spec, places);
    if (spec.strip && !route.backends.empty()) route.strip_prefix = matched;
    return route;
}

// The number of what it says in the front, where it is put if need be.
std::uint32_t number_of(contract::Front& front, const GatewayTls& tls) {
    const contract::UpstreamTls wanted{.ca = tls.ca, .cert = tls.cert, .key = tls.key, .name = {}};
    auto& all = front.upstream_tls;
    const auto found = std::ranges::find(all, wanted);
    const auto index = found - all.begin();
    if (found == all.end()) all.push_back(wanted);
    return static_cast<std::uint32_t>(index + 1);
}

// The last route that was put into the front.
void secure(contract::Front& front, const RouteSpec& spec) {
    if (!spec.tls.is_on()) return;
    const std::uint32_t number = number_of(front, spec.tls);
    for (contract::Backend& backend : front.routes.back().backends)
        if (std::ranges::find(spec.elsewhere, backend.address) != spec.elsewhere.end()) backend.tls = number;
}

} // namespace

std::string pool_socket_of(const WorkerSpec& pool) {
    const contract::Files files = files_of(pool);
    if (files.root.empty()) return pool.name + socket_suffix;
    std::uint32_t digest = 2'166'136'261U; // FNV-1a
    for (const std::string& prefix : files.serves)
        for (const char octet : prefix + '\n') digest = (digest ^ static_cast<unsigned char>(octet)) * 16'777'619U;
    std::string name = pool.name + ".";
    for (int shift = 4 * (digest_digits - 1); shift >= 0; shift -= 4) name += hex_digits[(digest >> shift) & 15U];
    return name + socket_suffix;
}

bool is_pool_socket_of(std::string_view file_name, std::string_view worker) {
    const std::string_view suffix(socket_suffix);
    if (!file_name.starts_with(worker) || !file_name.ends_with(suffix)) return false;
    file_name.remove_prefix(worker.size());
    if (file_name == suffix) return true;
    const std::string_view digest = file_name.substr(0, file_name.size() - std::min(file_name.size(), suffix.size()));
    return digest.size() == digest_digits + 1 && digest.starts_with('.') &&
           digest.find_first_not_of(hex_digits, 1) == std::string_view::npos;
}

void name_pool_sockets(Topology& topology) {
    const auto name_in = [&](RouteSpec& route) {
        for (const std::string& target : route.to.empty() ? std::vector{route.fallback} : route.to)
            if (const WorkerSpec* pool = topology.find(target)) route.socket = pool_socket_of(*pool);
    };
    for (WorkerSpec& worker : topology.workers) {
        if (worker.front->routes.empty() && worker.front->own.fallback.empty()) continue;
        FrontSpec& front = worker.front.edit();
        name_in(front.own);
        for (RouteSpec& route : front.routes) name_in(route);
    }
}

contract::Files files_of(const WorkerSpec& worker) {
    contract::Files files = worker.front->own.rule.files;
    const std::string& alias = worker.front->own.alias;
    files.root = alias.empty() ? worker.root : alias;
    files.serves = worker.serves;
    if (!alias.empty() && !worker.serves.empty()) files.strip_prefix = without_slash(worker.serves.front());
    return files;
}

std::uint64_t cache_memory_of(const WorkerSpec& worker) {
    const FrontSpec& front = *worker.front;
    const auto is_cached = [](const RouteSpec& route) { return route.rule.cache.on; };
    if (worker.kind != Kind::accelerator || std::ranges::none_of(front.routes, is_cached)) return 0;
    if (front.own.cache_size > 0) return static_cast<std::uint64_t>(front.own.cache_size);
    std::uint64_t sum = 0;
    for (const RouteSpec& route : front.routes) sum += static_cast<std::uint64_t>(route.cache_size);
    return sum == 0 ? usual_cache : sum;
}

contract::Front front_of(const WorkerSpec& worker, const FrontPlaces& places) {
    const FrontSpec& spec = *worker.front;
    contract::Front front = spec.rest;
    front.buffer = spec.own.rule.buffer;
    front.error_pages = spec.own.rule.error_pages;
    front.buffer_folder = places.buffer_folder;
    front.cache_memory = cache_memory_of(worker);
    if (front.cache_memory == 0) front.cache_disk = 0;
    if (front.cache_disk > 0) front.cache_folder = places.cache_folder;
    for (const Address& address : worker.listen) {
        const auto flags = spec.flags.find(address);
        const ListenerFlags found = flags == spec.flags.end() ? ListenerFlags{} : flags->second;
        front.listeners.push_back({endpoint_text(address), found.tls, found.proxy_protocol});
    }
    if (worker.kind == Kind::static_files) {
        contract::Route& route = front.routes.emplace_back(spec.own.rule);
        route.files = files_of(worker);
        fall_back(route, spec.own, places);
        secure(front, spec.own);
    }
    for (const RouteSpec& route : spec.routes) {
        front.routes.push_back(route_of(route, places));
        secure(front, route);
        if (front.routes.back().error_pages == front.error_pages) front.routes.back().error_pages.clear();
    }
    return front;
}

} // namespace mpsup::topology
