#include "supervisor/topology/advice.h"

#include "base/units.h"
#include "supervisor/topology/placement.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/suggest.h"
#include "supervisor/topology/value_parts.h"
#include "worker/contract/cidr.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mpsup::topology {

namespace {

constexpr std::array private_blocks{"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16",
                                    "169.254.0.0/16", "fc00::/7",      "fe80::/10"};

template <typename Blocks> bool is_in(const Blocks& blocks, const Address& address) {
    return std::ranges::any_of(blocks, [&](const char* block) {
        const auto cidr = contract::Cidr::parse(block);
        return cidr && cidr->contains(address.ip);
    });
}
bool is_of_the_world(const Address& address) { return !is_loopback(address) && !is_in(private_blocks, address); }

bool leads_to_an_application(const RouteSpec& route) {
    return !route.to.empty() || (!route.fallback.empty() && !route.fallback.starts_with('/'));
}

bool is_cookie(const std::string& name) {
    return std::ranges::equal(name, std::string_view("cookie"),
                              [](char one, char other) { return (one | 0x20) == other; });
}
bool takes_cookies_away(const RouteSpec& route) {
    return std::ranges::any_of(route.rule.request_headers,
                               [](const auto& field) { return is_cookie(field.first) && field.second.empty(); });
}

bool has_word(const Node* list, std::string_view word) {
    return list && std::ranges::any_of(one_or_many(*list), [&](const Node* item) { return item->text == word; });
}

bool has(const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
}

/// What a pool may grow to.
struct Demand {
    const WorkerSpec* worker;
    std::string_view limit; // "rss"
    std::int64_t of_one;
    int children;
    std::uint64_t bytes;
};

std::optional<Demand> demand_of(const WorkerSpec& worker) {
    const Recycle& recycle = worker.recycle;
    const auto limit = recycle.unshared ? recycle.unshared : recycle.rss;
    const int most = worker.pool.sized().max;
    if (worker.kind != Kind::dynamic || !limit || most == 0) return std::nullopt;
    const auto bytes = static_cast<std::uint64_t>(*limit) * static_cast<std::uint64_t>(most); // 2^53 times 1000
    return Demand{&worker, recycle.unshared ? "unshared" : "rss", *limit, most, std::min(bytes, largest_size)};
}

class Adviser {
public:
    Adviser(const Topology& topology, const Node& root, std::uint64_t memory)
        : topology_(topology), root_(root), memory_(memory) {
        for (const WorkerSpec& worker : topology.workers) {
            if (worker.kind == Kind::accelerator && !accelerator_) accelerator_ = &worker;
            if (worker.kind != Kind::dynamic && !light_) light_ = &worker;
        }
    }

    Findings run() {
        for (const WorkerSpec& worker : topology_.workers) {
            if (worker.kind == Kind::dynamic) {
                listeners(worker);
                files(worker);
            }
            if (worker.kind == Kind::accelerator) caches(worker);
        }
        if (memory_ > 0) pools();
        return std::move(findings_);
    }

private:
    [[nodiscard]] const Node* node_of(const WorkerSpec& worker) const {
        return entry(entry(&root_, "workers"), worker.name);
    }

    void advise(const WorkerSpec& worker, std::string_view code, Mark mark, std::string message, std::string remedy) {
        if (has_word(entry(&root_, "x-allow"), code) || has_word(entry(node_of(worker), "x-allow"), code)) return;
        findings_.push_back({mark, "workers." + worker.name, std::move(message), std::move(remedy), true, code});
    }

    [[nodiscard]] Mark listener_mark(const WorkerSpec& worker, std::size_t i) const {
        const Node* const list = entry(node_of(worker), "listen");
        const bool is_list = list && list->type == Node::Type::sequence && i < list->items.size();
        return is_list ? list->items[i]->mark : mark_of(list, {});
    }

    // A port alone at the first of its machines.
    [[nodiscard]] Address in_full(const WorkerSpec& worker, const Address& address) const {
        const Machine* const machine = nearest_machine(topology_, worker);
        return address.ip.empty() && machine ? reached_at(address, *machine) : address;
    }

    void listeners(const WorkerSpec& worker) {
        for (std::size_t i = 0; i < worker.listen.size(); ++i) {
            const Address address = in_full(worker, worker.listen[i]);
            if (accelerator_ && !is_loopback(address))
                advise(worker, "heavy-public", listener_mark(worker, i),
                       in_ticks(worker.name) + " is reached at " + address.to_string() + " past the accelerator " +
                           in_ticks(accelerator_->name) +
                           ": such clients take a child with all its memory, as slow as they are",
                       worker.on == accelerator_->on
                           ? "take `listen` away and lead to it by `to: " + worker.name +
                                 "`, or listen on a loopback address"
                           : "a `gateway` in place of `listen`, and `to: " + worker.name + "`");
            else if (!accelerator_ && is_of_the_world(address))
                advise(worker, "heavy-keep-alive", listener_mark(worker, i),
                       "clients keep their connections to " + in_ticks(worker.name) +
                           ", each at one child: what they ask next waits for that one, and who reads slowly holds it",
                       "an accelerator before it, or a loopback address behind one of another site");
        }
    }

    // Its files say how long they are good, and every route to it has a cache: each is asked for once in a while.
    [[nodiscard]] bool is_kept(const WorkerSpec& worker) const {
        if (worker.front->own.rule.files.expires.empty() || !worker.is_private()) return false;
        const auto leads_there = [&](const RouteSpec& route) {
            return has(route.to, worker.name) || route.fallback == worker.name;
        };
        return std::ranges::all_of(topology_.workers, [&](const WorkerSpec& other) {
            return std::ranges::all_of(other.front->routes, [&](const RouteSpec& route) {
                return !leads_there(route) || route.rule.cache.on;
            });
        });
    }

    void files(const WorkerSpec& worker) {
        if (!light_ || worker.serves.empty() || is_kept(worker)) return;
        const std::string path = worker.serves.front();
        const bool by_route = light_->kind == Kind::accelerator;
        advise(worker, "heavy-files", mark_of(node_of(worker), "serves"),
               "files below " + in_ticks(path) + " are handed out by children of " + in_ticks(worker.name) +
                   ", each as large as Perl, while " + in_ticks(light_->name) + " could do so",
               by_route ? "a route of " + in_ticks(light_->name) + ": {path: " + path + ", root: " + worker.root + "}"
                        : "`root` and `serves` in " + in_ticks(light_->name) + ", and links that lead there");
    }

    void caches(const WorkerSpec& worker) {
        const Node* const list = entry(node_of(worker), "routes");
        const auto& routes = worker.front->routes;
        for (std::size_t i = 0; i < routes.size(); ++i) {
            const contract::CacheRule& cache = routes[i].rule.cache;
            const Node* const node = list && i < list->items.size() ? list->items[i].get() : nullptr;
            if (!cache.on || cache.default_ttl.count() == 0 || !leads_to_an_application(routes[i]) ||
                !routes[i].rule.path.covers(contract::PathPattern{}) || takes_cookies_away(routes[i]))
                continue;
            const Node* const own = entry(entry(node, "cache"), "default_ttl");
            const Node* const shared = entry(entry(node_of(worker), "cache"), "default_ttl");
            advise(worker, "cached-sessions",
                   own      ? own->mark
                   : shared ? shared->mark
                            : mark_of(node, {}),
                   "replies that say nothing of caching are kept for " + format_duration(cache.default_ttl) +
                       ", of all paths: a page made for one client, whose cookie came with the request, is sent to all",
                   "`default_ttl` in routes of pages that are the same for everybody, `Cache-Control: private` from "
                   "the application, or request_headers: {Cookie: \"\"}");
        }
    }

    // Each machine is taken to be as large as this one.
    void pools() {
        std::set<const WorkerSpec*> said;
        for (const Machine& machine : topology_.machines) pools(machine, said);
    }

    void pools(const Machine& machine, std::set<const WorkerSpec*>& said) {
        std::vector<Demand> demands;
        std::uint64_t total = 0;
        for (const WorkerSpec& worker : topology_.workers)
            if (const auto demand = demand_of(worker); demand && runs_on(topology_, worker, machine.name)) {
                demands.push_back(*demand);
                total = std::min(total + demand->bytes, largest_size);
            }
        if (total <= memory_) return;
        const Demand& most = *std::ranges::max_element(demands, {}, &Demand::bytes);
        std::string message = std::to_string(most.children) + " children of " + in_ticks(most.worker->name) +
                              " may have " + format_size(static_cast<std::uint64_t>(most.of_one)) + " each (`recycle." +
                              std::string(most.limit) + "`)";
        if (demands.size() > 1) message += ", and all pools that have such a limit";
        if (!said.insert(most.worker).second) return;
        message += ": " + format_size(total) + " in all" +
                   (is_for_several(topology_) ? " on " + in_ticks(machine.name) : "") + ", and this machine has " +
                   format_size(memory_);
        const Node* const pool = entry(node_of(*most.worker), "pool");
        const Node* const max = entry(pool, "max");
        advise(*most.worker, "pool-memory", max ? max->mark : mark_of(node_of(*most.worker), "pool"),
               std::move(message),
               most.limit == "rss" ? "a smaller pool, or `unshared`: `rss` counts what children share with each"
                                   : "a smaller pool, or {mode: dynamic, max: auto}, which measures");
    }

    const Topology& topology_;
    const Node& root_;
    std::uint64_t memory_;
    const WorkerSpec* accelerator_ = nullptr; // the first
    const WorkerSpec* light_ = nullptr;       // the first
    Findings findings_;
};

} // namespace

Findings advise(const Topology& topology, const Node& root, std::uint64_t memory) {
    return Adviser(topology, root, memory).run();
}

} // namespace mpsup::topology
