// Every key of the topology language, in one table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

enum class KeyType { text, name, choice, path, address_list, path_list, integer, duration, map };
enum class KeyKinds { any, static_only, dynamic_only }; // of worker it applies to

struct Key {
    std::string_view path; // with * for a name that the user chooses: "workers.*.health.every"
    KeyType type;
    KeyKinds kinds;
    bool available; // false: known, not in this version
    std::string_view doc;
};

[[nodiscard]] std::span<const Key> all_keys();

/// The key at `path` (names replaced by *), or nothing.
[[nodiscard]] const Key* find_key(std::string_view path);

/// The names that may stand directly below `prefix` ("" is the top), available ones only.
[[nodiscard]] std::vector<std::string> names_below(std::string_view prefix);

} // namespace mpsup
