#include "supervisor/topology/routes.h"

#include "base/joined.h"
#include "supervisor/topology/front.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/suggest.h"
#include "worker/contract/routing.h"

#include <algorithm>
#include <map>
#include <set>

namespace mpsup::topology {

namespace {

std::string at_line(const Place& place) {
    return place.mark.line > 0 ? "line " + std::to_string(place.mark.line) : "an earlier one";
}

constexpr std::size_t most_shown = 10; // of a circle

bool has_folder(const RouteSpec& route) { return !route.root.empty() || !route.alias.empty(); }

class RouteCheck {
public:
    RouteCheck(const Topology& topology, const Node& root, bool is_file)
        : topology_(topology), workers_(entry(&root, "workers")), is_file_(is_file) {}

    Findings run() {
        for (const WorkerSpec& worker : topology_.workers) {
            look_at(worker);
            if (!is_of_its_kind()) continue;
            if (worker.kind == Kind::static_files) static_worker();
            if (worker.kind == Kind::accelerator) accelerator();
            listeners();
        }
        for (const WorkerSpec& worker : topology_.workers) {
            look_at(worker);
            if (worker.kind != Kind::dynamic || !worker.is_private() || has("listen")) continue;
            if (!reached_.contains(worker.name))
                add(named_, in_ticks(worker.name) + " has no `listen` (ADDRESS:PORT that clients connect to), and no "
                                                    "route of an accelerator leads to it");
            else if (is_for_several(topology_) && !unreached_.contains(worker.name))
                reached_from(worker);
        }
        circles();
        return std::move(findings_);
    }

private:
    void look_at(const WorkerSpec& worker) {
        worker_ = &worker;
        node_ = entry(workers_, worker.name);
        where_ = "workers." + worker.name;
        named_ = {};
        if (!workers_) return;
        const auto found = std::ranges::find(workers_->entries, worker.name, &Node::Entry::key);
        if (found != workers_->entries.end()) named_ = found->key_mark;
    }
    // Otherwise its kind was wrong, and it is of the usual one.
    [[nodiscard]] bool is_of_its_kind() const {
        const auto* kind = entry(node_, "kind");
        return kind && kind->text == to_string(worker_->kind);
    }
    [[nodiscard]] bool has(std::string_view key) const { return entry(node_, key) != nullptr; }
    void add(Mark mark, std::string message, std::string suggestion = {}, bool is_warning = false) {
        findings_.push_back({mark, where_, std::move(message), std::move(suggestion), is_warning});
    }

    void listeners() {
        const FrontSpec& front = *worker_->front;
        const bool is_light = worker_->kind != Kind::dynamic;
        if (is_light && worker_->listen.empty() && !has("listen"))
            add(named_, in_ticks(worker_->name) + " has no `listen` (ADDRESS:PORT that clients connect to)");
        if (!is_light && !front.flags.empty())
            add(mark_of(node_, "listen"), "`tls` and `proxy_protocol` are for accelerators and static workers");
        const bool has_tls = std::ranges::any_of(front.flags, [](const auto& each) { return each.second.tls; });
        if (is_light && has_tls && front.rest.certificates.empty() && !has("tls"))
            add(mark_of(node_, "listen"), "a listener has `tls: on`, and there is no certificate",
                "tls: [{cert: FILE, key: FILE}]");
        if (is_light && !has_tls && !front.rest.certificates.empty())
            add(mark_of(node_, "tls"), "there are certificates, and no listener has `tls: on`",
                "listen: [{address: 0.0.0.0:443, tls: on}]");
    }

    void static_worker() {
        const RouteSpec& own = worker_->front->own;
        if (worker_->root.empty() && own.alias.empty() && !has("root") && !has("alias"))
            add(named_, in_ticks(worker_->name) + " has no `root` (the folder with the files)");
        if (!worker_->root.empty() && !own.alias.empty())
            add(mark_of(node_, "alias"), in_ticks(worker_->name) + " has both `root` and `alias`; keep one");
        if (!own.alias.empty() && worker_->serves.size() != 1)
            add(mark_of(node_, "alias"),
                "`alias` needs one path in `serves`: what is taken off before a file is looked up");
        if (!own.fallback.empty() && !own.fallback.starts_with('/')) target(own.fallback, mark_of(node_, "try"));
    }

    void accelerator() {
        const auto& routes = worker_->front->routes;
        const auto* list = entry(node_, "routes");
        for (std::size_t i = 0; i < std::min(routes.size(), contract::max_routes); ++i) {
            where_ = "workers." + worker_->name + ".routes[" + std::to_string(i) + "]";
            const Node* node = list && i < list->items.size() ? list->items[i].get() : nullptr;
            route(routes[i], node);
            if (is_file_ && is_as_written(routes[i], node)) reach(i, node);
        }
        where_ = "workers." + worker_->name + ".routes";
        if (routes.size() > contract::max_routes)
            add(mark_of(node_, "routes"), "more than " + std::to_string(contract::max_routes) + " routes");
        else if (contract::encode_front(front_of(*worker_, {})).size() > contract::max_front_bytes)
            add(mark_of(node_, "routes"), "so much is written in the routes that a worker cannot be told",
                "what all of them have in common can stand in the worker");
    }

    void route(const RouteSpec& route, const Node* node) {
        const auto written = [&](std::string_view key) { return entry(node, key) != nullptr; };
        const int ways = int(written("to")) + int(written("root")) + int(written("alias"));
        if (ways == 0)
            add(mark_of(node, {}),
                "a route leads to one of `to` (a worker or addresses), `root` and `alias` (a folder)");
        if (ways > 1)
            add(mark_of(node, written("alias") ? "alias" : "root"),
                "a route leads to one of `to`, `root` and `alias`; keep one",
                written("to") && written("root") ? "files first, then a worker: `root` and `try`" : "");
        if (written("try") && !has_folder(route) && !written("root") && !written("alias"))
            add(mark_of(node, "try"), "`try` needs `root` or `alias`: it answers where there is no file");
        const bool is_glob = route.rule.path.kind == contract::PathPattern::Kind::name_glob ||
                             route.rule.path.kind == contract::PathPattern::Kind::path_glob;
        if (is_glob && (written("alias") || route.strip))
            add(mark_of(node, written("alias") ? "alias" : "strip"),
                in_ticks(written("alias") ? "alias" : "strip") +
                    " needs a path without `*`: the beginning that is taken off");
        if (route.strip && route.to.empty() && written("strip") &&
            (route.fallback.empty() || route.fallback.starts_with('/')))
            add(mark_of(node, "strip"), "`strip` is for what is sent on; of a folder it is `alias`");
        if (route.rule.internal && !has_folder(route))
            add(mark_of(node, "internal"),
                "`internal` is for files that an application names: it needs `root` or `alias`");
        if (!route.fallback.empty() && !route.fallback.starts_with('/')) target(route.fallback, mark_of(node, "try"));
        targets(route, node);
    }

    void targets(const RouteSpec& route, const Node* node) {
        const auto* list = entry(node, "to");
        std::set<std::string> seen;
        std::string pool;
        for (std::size_t i = 0; i < route.to.size(); ++i) {
            const Mark place = list && list->type == Node::Type::sequence && i < list->items.size()
                                   ? list->items[i]->mark
                                   : mark_of(node, "to");
            target(route.to[i], place);
            const bool is_pool = !Address::parse(route.to[i]);
            if (is_pool && !pool.empty() && pool != route.to[i])
                add(place, in_ticks(route.to[i]) + ": a route leads to one worker and to addresses; " + in_ticks(pool) +
                               " is there already");
            if (is_pool) pool = route.to[i];
            if (!seen.insert(route.to[i]).second) add(place, in_ticks(route.to[i]) + " stands twice in `to`");
        }
    }

    // A dynamic worker that only accelerators reach, or an address that is nobody's of this worker.
    void target(const std::string& text, Mark place) {
        if (const auto address = Address::parse(text)) {
            if (std::ranges::any_of(listeners_of(*worker_), [&](const Address& own) { return own.overlaps(*address); }))
                add(place, in_ticks(text) + " leads back to " + in_ticks(worker_->name) + " itself");
            return;
        }
        const WorkerSpec* const other = topology_.find(text);
        if (!other) {
            std::vector<std::string_view> names;
            for (const auto& each : topology_.workers)
                if (each.kind == Kind::dynamic) names.push_back(each.name);
            return add(place, "there is no worker " + in_ticks(text), did_you_mean(text, names));
        }
        reached_[text].insert(worker_);
        if (other == worker_)
            add(place, in_ticks(text) + " leads back to itself");
        else if (other->kind != Kind::dynamic)
            add(place,
                in_ticks(text) + " is " + std::string(to_string(other->kind)) + "; a route leads to a dynamic worker",
                other->kind == Kind::static_files ? "a folder is reached by `root`" : "");
        else if (is_for_several(topology_) && other->on != worker_->on)
            across_machines(*other, place);
        else if (!other->is_private())
            add(place, in_ticks(text) + " has a `listen` of its own; an accelerator leads to workers without one",
                "take `listen` away from it, or lead to its address: `to: " + other->listen.front().to_string() + "`");
    }

    // Each machine of this worker has the pool itself, or reaches it on another.
    void across_machines(const WorkerSpec& pool, Mark place) {
        const auto machines = machines_of(topology_, pool);
        const bool is_reached = std::ranges::any_of(
            machines, [&](const Machine* machine) { return remote_address(pool, *machine).has_value(); });
        if (!pool.is_private() && !machines.empty() && !is_reached)
            return add(place,
                       in_ticks(pool.name) + " listens on loopback addresses alone: " + in_ticks(worker_->name) +
                           " on another machine does not reach it",
                       "take `listen` away and give it a `gateway`");
        if (!pool.is_private() || pool.gateway || entry(entry(workers_, pool.name), "gateway")) return;
        for (const Machine* const machine : machines_of(topology_, *worker_))
            if (!runs_on(topology_, pool, machine->name) && !pool.on.empty()) {
                unreached_.insert(pool.name);
                return add(place,
                           in_ticks(worker_->name) + " is on " + in_ticks(machine->name) + ", and " +
                               in_ticks(pool.name) + " on " + joined(pool.on, " and ") +
                               " has no `gateway` where other machines reach it",
                           in_ticks(pool.name) + ": {gateway: PORT}");
            }
    }

    // A private pool that routes lead to: from its own machine or, by its gateway, from others.
    void reached_from(const WorkerSpec& pool) {
        bool is_remote = machines_of(topology_, pool).empty(); // that was said
        const auto& fronts = reached_[pool.name];
        for (const Machine* const machine : machines_of(topology_, pool)) {
            const bool is_reached = std::ranges::any_of(
                fronts, [&](const WorkerSpec* front) { return runs_on(topology_, *front, machine->name); });
            if (!is_reached && !pool.gateway && !has("gateway"))
                return add(named_,
                           in_ticks(pool.name) + " is on " + in_ticks(machine->name) +
                               ", where no route leads to it, and has no `gateway` where other machines reach it",
                           in_ticks(pool.name) + ": {gateway: PORT}");
            for (const WorkerSpec* const front : fronts)
                is_remote = is_remote || front->on.size() > 1 || !runs_on(topology_, *front, machine->name);
        }
        if (is_file_ && !is_remote && pool.gateway)
            add(mark_of(node_, "gateway"),
                "no route of another machine leads to " + in_ticks(pool.name) + ": its `gateway` is for nobody",
                "take it away", true);
    }

    // On all machines that it is on.
    [[nodiscard]] std::vector<Address> listeners_of(const WorkerSpec& worker) const {
        std::vector<Address> all;
        for (const Address& address : worker.listen) {
            if (!address.ip.empty())
                all.push_back(address);
            else
                for (const Machine* const machine : machines_of(topology_, worker))
                    all.push_back(reached_at(address, *machine));
        }
        return all;
    }

    // Otherwise its host or its path was wrong, and it stands for everything.
    static bool is_as_written(const RouteSpec& route, const Node* node) {
        const auto* path = entry(node, "path");
        return node && node->type == Node::Type::map && (!path || path->text == route.rule.path.text) &&
               (!entry(node, "host") || !route.rule.host.empty());
    }

    // Every route is compared with those before it.
    void reach(std::size_t index, const Node* node) {
        const auto& routes = worker_->front->routes;
        const RouteSpec& later = routes[index];
        for (std::size_t i = 0; i < index; ++i) {
            const RouteSpec& earlier = routes[i];
            const Node* const before = entry(node_, "routes")->items[i].get();
            if (!is_as_written(earlier, before) || !contract::shadows(earlier.rule, later.rule)) continue;
            if (later.rule.internal && !earlier.rule.internal) // by X-Sendfile, which names files, it is reached
                return add(mark_of(node, "path"),
                           "X-Accel-Redirect does not reach this route: " + at_line(earlier.place) + " takes all of it",
                           "put this one before it; X-Sendfile reaches it as it is", true);
            const bool is_same = earlier.rule.host == later.rule.host && earlier.rule.path == later.rule.path;
            return add(mark_of(node, "path"),
                       is_same ? "the same host and path are in " + at_line(earlier.place) + " already"
                               : "nothing reaches this route: " + at_line(earlier.place) + " takes all of it",
                       is_same ? "" : "the first route that matches counts: put this one before it");
        }
    }

    // Accelerators that lead to each other's addresses.
    void circles() {
        auto next = edges();
        for (bool is_smaller = true; is_smaller;) { // who leads to none that is left is in no circle
            is_smaller = false;
            for (auto it = next.begin(); it != next.end();) {
                std::erase_if(it->second, [&](const WorkerSpec* to) { return !next.contains(to); });
                is_smaller = is_smaller || it->second.empty();
                it = it->second.empty() ? next.erase(it) : std::next(it);
            }
        }
        for (const auto& [worker, to] : next) {
            std::string text = in_ticks(worker->name);
            std::set<const WorkerSpec*> seen;
            const WorkerSpec* at = worker;
            while (seen.insert(at).second) {
                at = next[at].front();
                if (seen.size() < most_shown) text += " -> " + in_ticks(at->name);
            }
            look_at(*worker);
            if (at == worker) add(mark_of(node_, "routes"), "routes lead in a circle: " + text);
        }
    }

    // Which accelerators each of them leads to.
    [[nodiscard]] std::map<const WorkerSpec*, std::vector<const WorkerSpec*>> edges() const {
        std::map<Address, const WorkerSpec*> at;
        for (const WorkerSpec& worker : topology_.workers)
            for (const Address& own : listeners_of(worker))
                if (worker.kind == Kind::accelerator) at.emplace(own, &worker);
        std::map<const WorkerSpec*, std::vector<const WorkerSpec*>> next;
        for (const WorkerSpec& worker : topology_.workers)
            for (const RouteSpec& route : worker.front->routes)
                for (const std::string& text : route.to) {
                    auto address = Address::parse(text);
                    if (!address) continue;
                    auto found = at.find(*address);
                    address->ip = address->is_ipv6() ? "::" : "0.0.0.0"; // that stands for it too
                    if (found == at.end()) found = at.find(*address);
                    if (found != at.end() && found->second != &worker) next[&worker].push_back(found->second);
                }
        return next;
    }

    const Topology& topology_;
    const Node* workers_;
    bool is_file_;
    const WorkerSpec* worker_ = nullptr; // that is looked at
    const Node* node_ = nullptr;         // it
    Mark named_{};                       // its name
    std::string where_;
    std::set<std::string> unreached_;                            // pools without a gateway, of which that was said
    std::map<std::string, std::set<const WorkerSpec*>> reached_; // workers that routes lead to, and whose these are
    Findings findings_;
};

} // namespace

void settle_cache(RouteSpec& route) {
    if (route.cache_on || route.cache_written) route.rule.cache.on = route.cache_on.value_or(true);
    route.cache_on.reset();
    route.cache_written = false;
}

Findings check_routes(const Topology& topology, const Node& root, bool is_file) {
    return RouteCheck(topology, root, is_file).run();
}

} // namespace mpsup::topology
