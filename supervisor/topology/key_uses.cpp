#include "supervisor/topology/key_uses.h"

#include "base/units.h"
#include "supervisor/topology/key_table.h"
#include "supervisor/topology/share.h"
#include "supervisor/topology/suggest.h"

#include <algorithm>
#include <utility>

namespace mpsup::topology {

namespace {

Uses operator|(Uses one, Uses other) {
    return static_cast<Uses>(static_cast<unsigned>(one) | static_cast<unsigned>(other));
}
constexpr Uses no_use{};

constexpr std::uint64_t least_disk = 8ULL << 20U;
constexpr std::uint64_t most_disk = 16ULL << 40U;

// A pool on other machines is reached at addresses (share.h).
Uses uses_of_target(const Topology& topology, const std::string& target) {
    if (target.empty() || target.starts_with('/')) return no_use; // another file
    if (Address::parse(target)) return Uses::backends;
    const WorkerSpec* const pool = topology.find(target);
    const bool is_at_addresses = is_for_several(topology) && pool && (pool->gateway || !pool->is_private());
    return is_at_addresses ? Uses::upstream : Uses::pool;
}

Uses uses_of(const Topology& topology, const RouteSpec& route, bool has_files) {
    Uses uses = has_files ? Uses::files : no_use;
    for (const std::string& target : route.to) uses = uses | uses_of_target(topology, target);
    return has_files ? uses | uses_of_target(topology, route.fallback) : uses;
}

bool is_switched_off(const Node& value) { return value.type == Node::Type::scalar && value.text == "off"; }

enum class Of { route, worker, routes_of_worker };

// What it is for, and what the route does with such.
std::pair<std::string_view, std::string_view> purpose_of(Uses uses) {
    if (uses == Uses::files) return {"files", "hands out"};
    if (uses == Uses::pool) return {"a pool", "leads to"};
    if (uses == Uses::backends) return {"addresses", "leads to"};
    return {"what an application answers", "leads to"};
}

// "`cache` is for what an application answers, and this route leads to none"
std::string message_of(const Key& key, Uses found, Of of) {
    const auto [purpose, verb] = purpose_of(key.uses);
    std::string text = in_ticks(key.name()) + " is for " + std::string(purpose) + ", and ";
    text += of == Of::routes_of_worker ? "no route of this worker " : of == Of::worker ? "this worker " : "this route ";
    text += verb;
    if (of == Of::routes_of_worker) return text + (key.uses == Uses::files ? " any" : " such");
    if (key.uses == Uses::pool && has_common(found, Uses::backends)) return text + " addresses";
    return text + (key.uses == Uses::backends && has_common(found, Uses::pool) ? " a pool" : " none");
}

std::string remedy_of(const Key& key, Uses found) {
    if (key.uses == Uses::files) return "take it away: an application says such things itself, by its header fields";
    if (key.uses == Uses::backends && has_common(found, Uses::pool))
        return "take it away: a pool is watched by `health` of its worker";
    if (has_common(key.uses, Uses::upstream) && found == Uses::files)
        return "take it away, or name in `try` who answers where there is no file";
    return "take it away";
}

// A character of other pattern languages that means nothing in ours, and that URLs do not hold as it is.
std::string_view odd_part(std::string_view pattern) {
    const auto at = pattern.find_first_of("[]{}^|");
    return at == std::string_view::npos ? std::string_view{} : pattern.substr(at, 1);
}

class UseCheck {
public:
    UseCheck(const Topology& topology, const Node& root) : topology_(topology), workers_(entry(&root, "workers")) {}

    Findings run() {
        for (const WorkerSpec& worker : topology_.workers) {
            const Node* const node = entry(workers_, worker.name);
            if (!node || worker.kind == Kind::dynamic) continue;
            where_ = "workers." + worker.name;
            kind_ = worker.kind;
            if (worker.kind == Kind::static_files)
                static_worker(worker, *node);
            else
                accelerator(worker, *node);
        }
        return std::move(findings_);
    }

private:
    void add(Mark mark, std::string message, std::string remedy, bool is_warning = false) {
        findings_.push_back({mark, where_, std::move(message), std::move(remedy), is_warning});
    }

    void static_worker(const WorkerSpec& worker, const Node& node) {
        keys(node, worker_prefix, uses_of(topology_, worker.front->own, true), Of::worker);
        buffers(worker.front->own, node);
        odd_patterns(node);
    }

    void accelerator(const WorkerSpec& worker, const Node& node) {
        const FrontSpec& front = *worker.front;
        const Node* const list = entry(&node, "routes");
        Uses all = no_use;
        for (std::size_t i = 0; i < front.routes.size(); ++i) {
            const Node* const item = list && i < list->items.size() ? list->items[i].get() : nullptr;
            if (!item) continue;
            const bool has_files = entry(item, "root") || entry(item, "alias");
            const Uses uses = uses_of(topology_, front.routes[i], has_files);
            all = all | uses;
            where_ = "workers." + worker.name + ".routes[" + std::to_string(i) + "]";
            if (uses != no_use)
                keys(*item, route_prefix, uses, Of::route); // else it leads nowhere, and that is said already
            if (entry(item, "buffer")) buffers(front.routes[i], *item);
            single_address(front.routes[i], *item);
            odd_patterns(*item);
        }
        where_ = "workers." + worker.name;
        if (all != no_use) keys(node, worker_prefix, all, Of::routes_of_worker);
        buffers(front.own, node);
        disk(front, node);
        odd_patterns(node);
    }

    // What is written in a route, or in a worker for its routes.
    void keys(const Node& section, std::string_view prefix, Uses found, Of of) {
        const bool is_shared = of == Of::routes_of_worker;
        for (const auto& given : section.entries) {
            const Key* const key = find_key(std::string(prefix) + given.key);
            if (!key || !key->applies_to(kind_) || key->uses == Uses::any || has_common(key->uses, found) ||
                is_switched_off(*given.value))
                continue;
            add(given.key_mark, message_of(*key, found, of), is_shared ? "" : remedy_of(*key, found), is_shared);
        }
    }

    void buffers(const RouteSpec& route, const Node& section) {
        const contract::BufferRule& buffer = route.rule.buffer;
        const Node* const request = entry(entry(&section, "buffer"), "request");
        if (!request || buffer.request <= buffer.memory) return;
        add(request->mark,
            "`buffer.request` (" + format_size(buffer.request) + ", of one content) is more than `buffer.memory` (" +
                format_size(buffer.memory) + ", of all of them)",
            "`memory` of many times as much, or a smaller `request`", true);
    }

    // As large as the file is made, worker/cache/disk_file: what is given is what is had.
    void disk(const FrontSpec& front, const Node& section) {
        const Node* const size = entry(entry(&section, "cache"), "disk");
        const std::uint64_t bytes = front.rest.cache_disk;
        if (size && bytes > 0 && (bytes < least_disk || bytes > most_disk))
            add(size->mark,
                "`cache.disk` is a size from " + format_whole_size(least_disk) + " to " + format_whole_size(most_disk) +
                    "; found " + in_ticks(size->text),
                "");
    }

    void single_address(const RouteSpec& route, const Node& section) {
        const auto eject = std::ranges::find(section.entries, "eject", &Node::Entry::key);
        if (eject == section.entries.end() || route.to.size() != 1 || !Address::parse(route.to.front())) return;
        add(eject->key_mark, "`eject` does nothing here: the only address is never ejected",
            "name more than one in `to`, or take it away", true);
    }

    void odd_patterns(const Node& section) {
        if (const Node* const path = entry(&section, "path")) odd_pattern(path->text, path->mark);
        if (const Node* const expires = entry(&section, "expires"))
            for (const auto& given : expires->entries) odd_pattern(given.key, given.key_mark);
    }

    void odd_pattern(const std::string& pattern, Mark mark) {
        if (!contract::PathPattern::parse(pattern)) return; // said already
        const auto odd = odd_part(pattern);
        if (!odd.empty())
            add(mark,
                in_ticks(odd) + " in " + in_ticks(pattern) + " stands for itself: patterns know `*` and `**` alone",
                "a route for each path that is meant, or `*`", true);
        const auto percent = pattern.find('%');
        if (percent != std::string::npos)
            add(mark,
                in_ticks(pattern.substr(percent, 3)) + " in " + in_ticks(pattern) +
                    " stands for itself: paths are compared decoded",
                "write the character that is meant", true);
    }

    const Topology& topology_;
    const Node* workers_;
    std::string where_;
    Kind kind_{}; // of the worker that is looked at
    Findings findings_;
};

} // namespace

Findings check_key_uses(const Topology& topology, const Node& root) { return UseCheck(topology, root).run(); }

} // namespace mpsup::topology
