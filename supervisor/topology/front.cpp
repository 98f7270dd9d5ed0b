#include "supervisor/topology/front.h"

#include <algorithm>

namespace mpsup::topology {

namespace {

constexpr std::uint64_t usual_cache = 64ULL << 20;

// "/x/" as what is taken off a path: "/x". Nothing of "/".
std::string without_slash(std::string text) {
    if (text.ends_with('/')) text.pop_back();
    return text;
}

void lead_to(contract::Route& route, const std::vector<std::string>& targets, const FrontPlaces& places) {
    for (const std::string& target : targets) {
        if (Address::parse(target)) {
            route.backends.push_back({target});
        } else {
            route.backends.push_back({"unix:" + pool_socket(places, target)});
            route.pool = target;
        }
    }
}

// What there is beside the folder, where that has no file.
void fall_back(contract::Route& route, const std::string& fallback, const FrontPlaces& places) {
    if (fallback.starts_with('/'))
        route.files.try_file = fallback;
    else if (!fallback.empty())
        lead_to(route, {fallback}, places);
}

contract::Route route_of(const RouteSpec& spec, const FrontPlaces& places) {
    contract::Route route = spec.rule;
    const std::string matched = without_slash(route.path.text);
    if (!spec.to.empty()) {
        route.target = contract::Route::Target::upstream;
        route.files = {};
        lead_to(route, spec.to, places);
        if (spec.strip) route.strip_prefix = matched;
        return route;
    }
    route.files.root = spec.alias.empty() ? spec.root : spec.alias;
    if (!spec.alias.empty()) route.files.strip_prefix = matched;
    fall_back(route, spec.fallback, places);
    if (spec.strip && !route.backends.empty()) route.strip_prefix = matched;
    return route;
}

} // namespace

std::string pool_socket(const FrontPlaces& places, std::string_view worker) {
    return places.pool_folder + "/" + std::string(worker) + ".sock";
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
        front.listeners.push_back({address.to_string(), found.tls, found.proxy_protocol});
    }
    if (worker.kind == Kind::static_files) {
        contract::Route& route = front.routes.emplace_back(spec.own.rule);
        route.files = files_of(worker);
        fall_back(route, spec.own.fallback, places);
    }
    for (const RouteSpec& route : spec.routes) {
        front.routes.push_back(route_of(route, places));
        if (front.routes.back().error_pages == front.error_pages) front.routes.back().error_pages.clear();
    }
    return front;
}

} // namespace mpsup::topology
