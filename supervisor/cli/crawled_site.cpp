#include "supervisor/cli/crawled_site.h"

#include "base/joined.h"
#include "supervisor/topology/moved.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/urls.h"

#include <algorithm>
#include <ranges>
#include <set>

namespace mpsup::cli {

namespace {

using contract::Route;
using topology::Kind;
using topology::WorkerSpec;

std::vector<const topology::RouteSpec*> routes_of(const topology::Topology& topology) {
    std::vector<const topology::RouteSpec*> routes;
    for (const WorkerSpec& worker : topology.workers)
        for (const topology::RouteSpec& route : worker.front->routes) routes.push_back(&route);
    return routes;
}

// Addresses that routes lead to by TCP.
std::set<std::string> backends_of(const topology::Topology& topology) {
    std::set<std::string> backends;
    for (const topology::RouteSpec* route : routes_of(topology)) {
        for (const std::string& target : route->to)
            if (Address::parse(target)) backends.insert(target);
        backends.insert(route->elsewhere.begin(), route->elsewhere.end());
        if (Address::parse(route->fallback)) backends.insert(route->fallback);
    }
    return backends;
}

// As other machines call it: of a listener on every address that may be several ones.
Address seen_from_elsewhere(const topology::Topology& topology, const WorkerSpec& worker, const Address& address) {
    if (!topology::is_for_several(topology)) return address;
    return reached_at(address, *topology::nearest_machine(topology, worker));
}

// The listener as somebody on this machine reaches it.
Address reachable(const topology::Topology& topology, const WorkerSpec& worker, Address address) {
    const bool is_on_another = topology::is_for_several(topology) && worker.on.front() != topology.here;
    if (is_on_another) return seen_from_elsewhere(topology, worker, address);
    if (address.ip == "0.0.0.0") address.ip = "127.0.0.1";
    if (address.ip == "::") address.ip = "::1";
    return address;
}

bool has_proxy_header(const PublicFace& face) {
    const auto flags = face.worker->front->flags.find(face.listener);
    return flags != face.worker->front->flags.end() && flags->second.proxy_protocol;
}

// `public` stands for one listener; the others are called by their addresses.
std::string origin_of(const topology::Topology& topology, const WorkerSpec& worker, const Address& address) {
    return address == topology::public_listener(worker) ? topology::public_url(topology, worker)
                                                        : topology::url_at(topology, worker, address);
}

// Where pages are comes first.
int rank(Kind kind) {
    if (kind == Kind::accelerator) return 0;
    return kind == Kind::dynamic ? 1 : 2;
}

// As applications of this machine often call it; empty: they cannot.
std::string local_name_of(const std::string& backend) {
    const auto address = Address::parse(backend);
    const bool is_local = address && (address->ip == "127.0.0.1" || address->ip == "::1");
    return is_local ? "localhost:" + std::to_string(address->port) : std::string();
}

// Does that name and port stand for it, too?
bool is_at(const topology::Topology& topology, const PublicFace& face, const std::string& authority) {
    return face.origin.ends_with("/" + authority) ||
           local_name_of(reachable(topology, *face.worker, face.listener).to_string()) == authority;
}

// Of --machine; none: all.
bool is_meant(const WorkerSpec& worker, const std::vector<std::string>& machines) {
    return machines.empty() || std::ranges::find(machines, worker.on.front()) != machines.end();
}

topology::Topology without_listeners_of_others(topology::Topology topology, const std::vector<std::string>& machines) {
    for (WorkerSpec& worker : topology.workers)
        if (!is_meant(worker, machines)) worker.listen.clear();
    return topology;
}

std::string origin_of(const contract::ExplainedRequest& request) { return request.scheme + "://" + request.authority; }

} // namespace

CrawledSite::CrawledSite(const topology::Topology& topology, topology::FrontPlaces places,
                         const std::vector<std::string>& machines)
    : topology_(topology), places_(std::move(places)), machines_(machines) {
    const auto backends = backends_of(topology);
    const auto is_asked = [&](const WorkerSpec& worker) { return is_meant(worker, machines); };
    const auto is_of_several = [&](const Address& address) { // whoever has it then would be asked
        return !machines.empty() && address.ip == topology.vip.ip;
    };
    for (const WorkerSpec& worker : topology.workers | std::views::filter(is_asked))
        for (const Address& address : worker.listen) {
            if (is_of_several(address)) continue;
            if (backends.contains(address.to_string()) ||
                backends.contains(seen_from_elsewhere(topology, worker, address).to_string()) ||
                worker.name == topology::moved_worker || is_gateway(worker))
                continue;
            std::string origin = origin_of(topology, worker, address);
            if (std::ranges::find(faces_, origin, &PublicFace::origin) != faces_.end()) continue; // of another machine
            faces_.push_back({&worker, address, std::move(origin), topology::has_tls(worker, address)});
        }
    std::ranges::stable_sort(faces_, {}, [](const PublicFace& face) { return rank(face.worker->kind); });
}

std::vector<std::string> CrawledSite::secrets() const {
    const auto backends = backends_of(topology_);
    std::vector<std::string> secrets(backends.begin(), backends.end());
    for (const std::string& backend : backends) {
        const std::string name = local_name_of(backend);
        const auto is_public = [&](const PublicFace& face) { return is_at(topology_, face, name); };
        if (!name.empty() && std::ranges::none_of(faces_, is_public)) secrets.push_back(name);
    }
    for (const WorkerSpec& worker : topology_.workers)
        if (worker.is_private()) secrets.push_back(places_.pool_folder + "/" + topology::pool_socket_of(worker));
    return secrets;
}

Result<contract::LinkJob> CrawledSite::job(const std::vector<std::string>& starts) const {
    contract::LinkJob job{.secrets = secrets()};
    for (const PublicFace& face : faces_)
        if (!has_proxy_header(face))
            job.servers.push_back(
                {face.origin, reachable(topology_, *face.worker, face.listener).to_string(), face.tls});
    const std::string whose = machines_.empty() ? "the site" : joined(machines_, ", ");
    if (job.servers.empty()) return failure("no worker of " + whose + " listens where a client could ask");
    const topology::Topology asked = without_listeners_of_others(topology_, machines_);
    for (const std::string& start : starts) {
        if (start.starts_with('/')) {
            job.start.push_back(job.servers.front().origin + start);
            continue;
        }
        const auto request = parse_request(start, "GET", {});
        if (!request) return std::unexpected(request.error());
        const std::string origin = origin_of(*request);
        job.start.push_back(origin + request->target);
        const auto known = std::ranges::find(job.servers, origin, &contract::CrawledServer::origin);
        if (known != job.servers.end()) continue;
        const auto way = way_of(asked, *request, places_); // by another name
        if (!way && !machines_.empty()) return failure("of " + whose + " " + way.error().to_string());
        if (!way) return std::unexpected(way.error());
        const Address listener = way->listener.value_or(Address{});
        job.servers.push_back({origin, reachable(topology_, *way->worker, listener).to_string(), way->tls});
    }
    return job;
}

std::optional<Way> CrawledSite::way_to(std::string_view url) const {
    auto request = parse_request(std::string(url), "GET", {});
    if (!request) return std::nullopt;
    const std::string origin = origin_of(*request);
    const auto face = std::ranges::find(faces_, origin, &PublicFace::origin);
    if (face != faces_.end()) { // whatever it is called, it is that listener
        request->headers.emplace_back("Host", request->authority);
        request->scheme = face->tls ? "https" : "http";
        request->authority = seen_from_elsewhere(topology_, *face->worker, face->listener).to_string();
    }
    auto way = way_of(topology_, *request, places_);
    return way ? std::optional(std::move(*way)) : std::nullopt;
}

Served CrawledSite::served(std::string_view url) const {
    auto first = way_to(url);
    if (!first) return {};
    const auto ways = ways_from(topology_, std::move(*first), places_);
    const Way& last = ways.back();
    Served served{last.worker->name, "nobody", last.worker, last.is_file};
    if (last.worker->kind == Kind::dynamic) {
        served.how = last.is_file ? "files" : "application";
    } else if (const Route* const route = last.routing.route) {
        if (last.is_file) served.how = "files";
        if (last.is_file && !route->pool.empty()) served.how += " or pool " + route->pool;
        if (!last.is_file && !route->backends.empty()) served.how = "backend " + route->backends.front().address;
        if (!last.is_file && route->backends.size() > 1) served.how += " or others";
    }
    return served;
}

bool CrawledSite::redirects() const { return topology_.links == contract::Links::Mode::redirect; }

const PublicFace* CrawledSite::right_face(std::string_view url) const {
    const auto way = way_to(url);
    if (!way || way->path.empty() || way->worker->kind == Kind::accelerator) return nullptr;
    const auto is_asked = [&](const PublicFace& face) {
        return face.worker == way->worker && face.listener == way->listener;
    };
    if (std::ranges::none_of(faces_, is_asked)) return nullptr; // a backend
    for (const PublicFace& face : faces_) {
        const WorkerSpec& other = *face.worker;
        if (&other == way->worker || other.kind == way->worker->kind) continue;
        const bool is_right = other.kind == Kind::static_files
                                  ? !other.serves.empty() && served(face.origin + way->request.target).is_file
                                  : way->worker->kind == Kind::static_files && !way->is_file;
        if (is_right) return &face;
    }
    return nullptr;
}

bool CrawledSite::has_light_files() const {
    const auto is_static = [](const WorkerSpec& worker) { return worker.kind == Kind::static_files; };
    const auto has_folder = [](const topology::RouteSpec* route) { return route->to.empty(); };
    return std::ranges::any_of(topology_.workers, is_static) || std::ranges::any_of(routes_of(topology_), has_folder);
}

} // namespace mpsup::cli
