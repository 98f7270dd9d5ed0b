#include "supervisor/cli/explanation.h"

#include "base/joined.h"
#include "supervisor/topology/links.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/urls.h"
#include "worker/contract/origin.h"

#include <algorithm>
#include <charconv>

namespace mpsup::cli {

namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;
constexpr std::size_t most_hops = 8;

struct Place {
    std::string host; // without brackets; a name or an IP address
    std::uint16_t port = 0;
};

std::optional<Place> place_of(const std::string& authority, bool is_secure) {
    Place place{authority, is_secure ? https_port : http_port};
    const bool is_six = authority.starts_with('[');
    const auto end = is_six ? authority.find(']') : authority.find(':');
    if (is_six && end == std::string::npos) return std::nullopt;
    place.host = authority.substr(is_six ? 1 : 0, end - (is_six ? 1 : 0));
    const auto colon = is_six ? authority.find(':', end) : end;
    if (place.host.empty()) return std::nullopt;
    if (colon == std::string::npos) return place;
    const char* const last = authority.data() + authority.size();
    const auto [stop, error] = std::from_chars(authority.data() + colon + 1, last, place.port);
    if (error != std::errc{} || stop != last || place.port == 0) return std::nullopt;
    return place;
}

bool is_vip(const topology::Topology& topology, const std::string& ip) { return !ip.empty() && ip == topology.vip.ip; }

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

// An address of no machine that the file knows may be of any.
bool is_address_of(const topology::Topology& topology, const topology::WorkerSpec& worker, const std::string& ip) {
    if (!topology::is_for_several(topology)) return true;
    if (topology::is_loopback({ip, 1})) return has(worker.on, topology.workers.front().on.front());
    if (is_vip(topology, ip)) return has(topology.vip.on, worker.on.front());
    const auto owner = std::ranges::find(topology.machines, ip, &topology::Machine::ip);
    return owner == topology.machines.end() || has(worker.on, owner->name);
}

std::optional<std::string> ip_of(const Place& place) { // nothing: a name
    const auto address = Address::parse((place.host.contains(':') ? "[" + place.host + "]" : place.host) + ":1");
    return address ? std::optional(address->ip) : std::nullopt;
}

bool is_listener_of(const topology::Topology& topology, const topology::WorkerSpec& worker, const Address& listener,
                    const Place& place) {
    if (listener.port != place.port) return false;
    const auto ip = ip_of(place);
    const bool is_name = !ip; // that may stand for any address
    if (is_name) return !is_vip(topology, listener.ip) || is_address_of(topology, worker, listener.ip);
    return (listener.is_any() || listener.ip == *ip) && is_address_of(topology, worker, *ip);
}

Error nobody_listens(const topology::Topology& topology, const contract::ExplainedRequest& request) {
    std::vector<std::string> urls;
    for (const topology::WorkerSpec& worker : topology.workers)
        for (const Address& address : worker.listen)
            if (!topology::is_gateway(worker)) urls.push_back(url_of(worker, address));
    const auto place = place_of(request.authority, request.scheme == "https");
    const bool is_at_vip = place && is_vip(topology, ip_of(*place).value_or(""));
    const std::string where = is_at_vip ? " on " + joined(topology.vip.on, ", ") : "";
    return {"nothing listens at " + request.scheme + "://" + request.authority + where + "; listeners are " +
                joined(urls, ", "),
            {}};
}

// The first accelerator, else the first light worker, else any.
const topology::WorkerSpec* first_of(const topology::Topology& topology) {
    for (const auto kind : {topology::Kind::accelerator, topology::Kind::static_files, topology::Kind::dynamic})
        for (const topology::WorkerSpec& worker : topology.workers)
            if (worker.kind == kind && !worker.listen.empty() && !topology::is_gateway(worker)) return &worker;
    return nullptr;
}

Result<Way> find_listener(const topology::Topology& topology, contract::ExplainedRequest request) {
    if (request.authority.empty()) {
        const topology::WorkerSpec* const worker = first_of(topology);
        if (!worker) return failure("no worker of the site listens anywhere");
        const Address& listener = worker->listen.front();
        request.scheme = topology::has_tls(*worker, listener) ? "https" : "http";
        request.authority = listener.to_string();
        if (!is_vip(topology, listener.ip))
            return Way{worker, listener, request.scheme == "https", false, std::move(request)};
    }
    const bool is_secure = request.scheme == "https";
    const auto place = place_of(request.authority, is_secure);
    if (!place) return failure(request.authority + " is no host and port");
    for (const topology::WorkerSpec& worker : topology.workers)
        for (const Address& listener : worker.listen)
            if (is_listener_of(topology, worker, listener, *place) && topology::has_tls(worker, listener) == is_secure)
                return Way{&worker, listener, is_secure, is_vip(topology, ip_of(*place).value_or(listener.ip)),
                           std::move(request)};
    return std::unexpected(nobody_listens(topology, request));
}

bool is_host(std::string_view name) {
    return std::ranges::equal(name, std::string_view("host"), [](char a, char b) { return (a | 0x20) == b; });
}

bool begins_like(const std::string& path, const std::string& prefix) {
    return path.starts_with(prefix) &&
           (path.size() == prefix.size() || prefix.ends_with('/') || path[prefix.size()] == '/');
}

bool is_below(const std::vector<std::string>& prefixes, const std::string& path) {
    return std::ranges::any_of(prefixes, [&](const std::string& prefix) { return begins_like(path, prefix); });
}

// What the worker makes of it.
void settle(Way& way, const topology::FrontPlaces& places) {
    const topology::WorkerSpec& worker = *way.worker;
    if (worker.kind == topology::Kind::dynamic) {
        way.is_file =
            !way.path.empty() && !topology::files_of(worker).root.empty() && is_below(worker.serves, way.path);
        return;
    }
    way.front = topology::front_of(worker, places);
    way.routing =
        contract::route(way.front, way.request.authority, way.request.target.substr(0, way.request.target.find('?')));
    const contract::Route* const route = way.routing.route;
    way.is_file = route && route->target == contract::Route::Target::files &&
                  (route->files.serves.empty() || is_below(route->files.serves, way.path));
}

// The server with the longest beginning of the path.
const contract::LinkServer* owner_of(const std::vector<contract::LinkServer>& servers, const std::string& path) {
    const contract::LinkServer* owner = nullptr;
    std::size_t longest = 0;
    for (const contract::LinkServer& each : servers) {
        if (each.serves.empty() && !owner) owner = &each;
        for (const std::string& beginning : each.serves)
            if (begins_like(path, beginning) && beginning.size() > longest) {
                owner = &each;
                longest = beginning.size();
            }
    }
    return owner;
}

std::string redirect_of(const topology::Topology& topology, const Way& way) {
    const std::string machine = machine_of(topology, way);
    const auto all = topology::links_of(machine.empty() ? topology : topology::share_of(topology, machine));
    const auto told = all.find(way.worker->name);
    if (told == all.end() || told->second.mode != contract::Links::Mode::redirect || way.path.empty()) return {};
    const contract::Links& links = told->second;
    const contract::LinkServer* const owner = owner_of(links.servers, way.path);
    if (!owner || owner == &links.servers[links.own]) return {};
    const auto origin = contract::Origin::parse(owner->url);
    return (owner->any_host && origin ? origin->at_host_of(way.request.authority).text() : owner->url) +
           way.request.target;
}

// To one pool, whichever of its machines is asked.
bool is_led_elsewhere(const Way& way) {
    const topology::FrontSpec& front = *way.worker->front;
    const bool has_routes = way.worker->kind == topology::Kind::accelerator;
    return !(has_routes ? front.routes.at(way.routing.index) : front.own).elsewhere.empty();
}

const topology::WorkerSpec* listener_at(const topology::Topology& topology, const std::string& wanted) {
    for (const topology::WorkerSpec& worker : topology.workers) {
        const topology::Machine* const machine = topology::nearest_machine(topology, worker);
        for (const Address& address : worker.listen) {
            const bool is_it =
                address.to_string() == wanted || (machine && reached_at(address, *machine).to_string() == wanted);
            if (is_it && (!is_vip(topology, address.ip) || is_address_of(topology, worker, address.ip))) return &worker;
        }
    }
    return nullptr;
}

bool is_out(const topology::WorkerSpec& worker, const MachineNames& out) {
    return !worker.on.empty() && std::ranges::find(out, worker.on.front()) != out.end();
}

// Who is asked next, if that is known before anybody is asked.
const topology::WorkerSpec* next_of(const topology::Topology& topology, const Way& way, const MachineNames& out) {
    const contract::Route* const route = way.worker->kind == topology::Kind::dynamic ? nullptr : way.routing.route;
    if (!route || way.is_file || route->internal || !way.redirect.empty()) return nullptr;
    if (!route->pool.empty()) {
        const auto is_own = [&](const topology::WorkerSpec& worker) {
            return worker.name == route->pool && worker.on == way.worker->on;
        };
        const auto own = std::ranges::find_if(topology.workers, is_own);
        return own == topology.workers.end() ? nullptr : &*own;
    }
    if (route->backends.size() != 1 && !is_led_elsewhere(way)) return nullptr;
    for (const auto& backend : route->backends) {
        const topology::WorkerSpec* const worker = listener_at(topology, backend.address);
        if (!worker || !is_out(*worker, out)) return worker;
    }
    return nullptr;
}

} // namespace

Result<contract::ExplainedRequest> parse_request(const std::string& url, const std::string& method,
                                                 const std::vector<std::string>& headers) {
    contract::ExplainedRequest request{.method = method};
    std::string rest = url.substr(0, url.find('#'));
    if (!rest.starts_with('/')) {
        const auto scheme = rest.find("://");
        if (scheme == std::string::npos || (!rest.starts_with("http://") && !rest.starts_with("https://")))
            return failure(url + " is neither http://HOST/PATH nor /PATH");
        request.scheme = rest.substr(0, scheme);
        rest.erase(0, scheme + 3);
        request.authority = rest.substr(0, rest.find_first_of("/?"));
        rest.erase(0, request.authority.size());
        if (request.authority.empty()) return failure(url + " has no host");
    }
    request.target = rest.starts_with('/') ? rest : "/" + rest;
    for (const std::string& header : headers) {
        const auto colon = header.find(':');
        if (colon == std::string::npos || colon == 0) return failure(header + " is no header field: 'Name: value'");
        const auto value = header.find_first_not_of(" \t", colon + 1);
        request.headers.emplace_back(header.substr(0, colon), value == std::string::npos ? "" : header.substr(value));
    }
    return request;
}

Result<Way> way_of(const topology::Topology& topology, const contract::ExplainedRequest& request,
                   const topology::FrontPlaces& places) {
    auto way = find_listener(topology, request);
    if (!way) return way;
    const std::string raw = request.target.substr(0, request.target.find('?'));
    std::string memory;
    way->path = std::string(contract::normal_path(raw, memory).value_or(""));
    const auto host =
        std::ranges::find_if(way->request.headers, [](const auto& field) { return is_host(field.first); });
    if (host != way->request.headers.end()) {
        way->request.authority = host->second;
        way->request.headers.erase(host);
    }
    settle(*way, places);
    way->redirect = redirect_of(topology, *way);
    return way;
}

std::vector<Way> ways_from(const topology::Topology& topology, Way first, const topology::FrontPlaces& places,
                           const MachineNames& out) {
    std::vector<Way> ways;
    ways.push_back(std::move(first));
    while (ways.size() < most_hops) {
        const topology::WorkerSpec* const worker = next_of(topology, ways.back(), out);
        if (!worker) break;
        Way next{.worker = worker, .request = ways.back().request, .path = ways.back().path};
        settle(next, places);
        ways.push_back(std::move(next));
    }
    return ways;
}

MachineNames passed_by(const topology::Topology& topology, const Way& way, const MachineNames& out) {
    MachineNames passed;
    const contract::Route* const route = way.worker->kind == topology::Kind::dynamic ? nullptr : way.routing.route;
    if (!route || way.is_file || route->internal || !way.redirect.empty()) return passed;
    for (const auto& backend : route->backends) {
        const topology::WorkerSpec* const worker = listener_at(topology, backend.address);
        if (worker && is_out(*worker, out)) passed.push_back(worker->on.front());
    }
    return passed;
}

std::string machine_of(const topology::Topology& topology, const Way& way) {
    return topology::is_for_several(topology) && !way.worker->on.empty() ? way.worker->on.front() : std::string();
}

std::vector<std::string> key_of(const Way& way) {
    if (topology::is_gateway(*way.worker)) return {"workers", way.worker->gateway_of, "gateway"};
    std::vector<std::string> key{"workers", way.worker->name};
    if (way.worker->kind == topology::Kind::accelerator) {
        key.emplace_back("routes");
        if (way.routing.route) key.push_back(std::to_string(way.routing.index));
    } else if (way.is_file) {
        key.emplace_back(way.worker->front->own.alias.empty() ? "root" : "alias");
    } else if (way.worker->kind == topology::Kind::static_files) {
        key.emplace_back("serves");
    } else {
        key.emplace_back(way.worker->app.empty() ? "cgi" : "app");
    }
    return key;
}

std::string file_of(const Way& way) {
    if (!way.is_file) return {};
    const bool has_route = way.worker->kind != topology::Kind::dynamic;
    const contract::Files files = has_route ? way.routing.route->files : topology::files_of(*way.worker);
    const std::string& prefix = files.strip_prefix;
    return files.root + (way.path.starts_with(prefix) ? way.path.substr(prefix.size()) : way.path);
}

} // namespace mpsup::cli
