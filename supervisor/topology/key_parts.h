// What the tables of keys have in common. Of supervisor/topology alone.
#pragma once

#include "supervisor/topology/key_table.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mpsup::topology {

using OptionalValue = std::optional<Value>;

constexpr std::int64_t second = 1'000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 3'600 * second;
constexpr std::int64_t day = 24 * hour;

inline constexpr std::array switch_choices{Choice{"on"}, Choice{"off"}};

// Of keys that came later: left out of a document when it is the default, so that documents of before stay as they were.
template <typename T> OptionalValue unless(const T& value, const T& usual) {
    return value == usual ? std::nullopt : OptionalValue(value);
}

constexpr Key duration(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most,
                       OptionalValue (*get)(const WorkerSpec&), void (*set)(WorkerSpec&, Value)) {
    return {.path = path,
            .type = Type::duration,
            .doc = doc,
            .kinds = Kinds::every,
            .least = least,
            .most = most,
            .get = get,
            .set = set};
}
constexpr Key section(std::string_view path, std::string_view doc, Kinds kinds = Kinds::every) {
    return {.path = path, .type = Type::section, .doc = doc, .kinds = kinds};
}

inline OptionalValue hooks_at(const Hooks& hooks, HookPoint point) {
    const auto found = hooks.find(point);
    return found == hooks.end() ? std::nullopt : OptionalValue(found->second);
}
inline void set_hooks(Hooks& hooks, HookPoint point, Value value) {
    auto list = std::get<std::vector<Hook>>(std::move(value));
    if (!list.empty()) hooks[point] = std::move(list);
}

inline constexpr std::string_view before_start = "before a process is started; a failure keeps it from being started";
inline constexpr std::string_view after_ready = "when it serves";
inline constexpr std::string_view before_stop = "before one that serves is told to leave";
inline constexpr std::string_view after_exit = "when its process, or its pool's master, has ended";
inline constexpr std::string_view before_roll = "before a new generation replaces it; a failure keeps the old one";
inline constexpr std::string_view after_roll = "when that is over, however it ended";
inline constexpr std::string_view at_alert =
    "when it was given up, a new generation did not get there, a roll was taken back or the database was damaged";

// The parts of the table, in their order: of the site; of what a worker runs; of its life; of fronts and routes.
[[nodiscard]] std::vector<Key> make_site_keys();
[[nodiscard]] std::vector<Key> make_worker_keys();
[[nodiscard]] std::vector<Key> make_life_keys();
[[nodiscard]] std::vector<Key> make_front_keys();
[[nodiscard]] std::vector<Key> make_route_keys();

} // namespace mpsup::topology
