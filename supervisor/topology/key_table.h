// Every key of the topology language, in one table: it drives the loader, the resolved document, the diff and the
// language's documentation.
#pragma once

#include "supervisor/topology/topology.h"
#include "supervisor/topology/value.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace mpsup::topology {

/// A word that a `choice` takes.
struct Choice {
    std::string_view word;
    bool in_this_version = true;
};

/// Kinds of worker that a key applies to, as a set.
enum class Kinds : unsigned {
    none = 0,
    static_files = 1,
    dynamic = 2,
    with_files = 3,
    accelerator = 4,
    light = 5,
    every = 7,
};

/// What a route must do for a key to be of any use there, as a set: one of them is enough.
enum class Uses : unsigned {
    files = 1,    // hands out files
    pool = 2,     // leads to a pool
    backends = 4, // leads to addresses
    upstream = 6,
    any = 7,
};
[[nodiscard]] constexpr bool has_common(Uses one, Uses other) noexcept {
    return (static_cast<unsigned>(one) & static_cast<unsigned>(other)) != 0;
}

struct Key {
    std::string_view path; // "workers.*.health.every"; `*` stands for a name of the user's
    Type type;
    std::string_view doc; // one line
    bool in_this_version = true;
    bool required = false;     // of every kind in `kinds`
    Kinds kinds = Kinds::none; // none: not a key of a worker
    std::int64_t least = 0;    // integers, and durations in milliseconds
    std::int64_t most = 0;     //
    std::span<const Choice> choices{};
    std::string_view shorthand{}; // of a section: the key in it that a plain value stands for
    Uses uses = Uses::any;        // of a key of routes, or the section that it is in
    // How a worker holds it; null for sections and for keys outside of workers. get: nothing when it is not set.
    std::optional<Value> (*get)(const WorkerSpec&) = nullptr;
    void (*set)(WorkerSpec&, Value) = nullptr;
    // How a route holds it: one of `routes`, or what a worker says for all of its own.
    std::optional<Value> (*get_of_route)(const RouteSpec&) = nullptr;
    void (*set_of_route)(RouteSpec&, Value) = nullptr;
    // How the topology holds a key of a section of the site's ("logs.size").
    std::optional<Value> (*get_of_site)(const Topology&) = nullptr;
    void (*set_of_site)(Topology&, Value) = nullptr;

    /// "every" of "workers.*.health.every"
    [[nodiscard]] std::string_view name() const noexcept { return path.substr(path.rfind('.') + 1); }
    /// "health.every" of "workers.*.health.every"; only of keys of workers.
    [[nodiscard]] std::string_view path_in_worker() const noexcept;
    [[nodiscard]] bool applies_to(Kind kind) const noexcept;
    /// "workers.*.routes.*.path"
    [[nodiscard]] bool is_of_a_route() const noexcept;

    /// As the worker holds it, the key of a route as it holds it for all of them. Of keys of workers.
    [[nodiscard]] bool is_held() const noexcept { return get || (get_of_route && !is_of_a_route()); }
    [[nodiscard]] std::optional<Value> value_in(const WorkerSpec& worker) const;
    void put(WorkerSpec& worker, Value value) const;
};

constexpr std::string_view worker_prefix = "workers.*.";
constexpr std::string_view route_prefix = "workers.*.routes.*.";

/// In the order in which a document has them; a section stands before its keys.
[[nodiscard]] std::span<const Key> all_keys() noexcept;

/// The key at `path` with `*` for names; null when there is none.
[[nodiscard]] const Key* find_key(std::string_view path) noexcept;

/// The keys directly under a section ("" for the top).
[[nodiscard]] std::vector<const Key*> keys_under(std::string_view path);

} // namespace mpsup::topology
