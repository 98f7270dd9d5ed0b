// Keys whose values are members of plain structs. Of supervisor/topology alone.
#pragma once

#include "supervisor/topology/key_parts.h"

#include <chrono>
#include <string>
#include <type_traits>

namespace mpsup::topology {

inline Value to_value(bool flag) { return std::string(flag ? "on" : "off"); }
inline Value to_value(const std::string& text) { return text; }
inline Value to_value(const std::vector<std::string>& texts) { return texts; }
inline Value to_value(const Pairs& pairs) { return pairs; }
inline Value to_value(std::chrono::milliseconds time) { return time; }
inline Value to_value(std::chrono::seconds time) { return std::chrono::milliseconds(time); }
template <typename T>
    requires std::is_integral_v<T>
Value to_value(T number) {
    return static_cast<std::int64_t>(number);
}

inline void from_value(Value value, bool& flag) { flag = std::get<std::string>(value) == "on"; }
inline void from_value(Value value, std::string& text) { text = std::get<std::string>(std::move(value)); }
inline void from_value(Value value, Pairs& pairs) { pairs = std::get<Pairs>(std::move(value)); }
inline void from_value(Value value, std::vector<std::string>& texts) {
    texts = std::get<std::vector<std::string>>(std::move(value));
}
inline void from_value(Value value, std::chrono::milliseconds& time) {
    time = std::get<std::chrono::milliseconds>(value);
}
inline void from_value(Value value, std::chrono::seconds& time) {
    time = std::chrono::floor<std::chrono::seconds>(std::get<std::chrono::milliseconds>(value));
}
template <typename T>
    requires std::is_integral_v<T>
void from_value(Value value, T& number) {
    number = static_cast<T>(std::get<std::int64_t>(value));
}

// A member of a member of …
template <auto... Members> auto& inside(auto& whole) { return (whole.*....*Members); }

constexpr Key plain(std::string_view path, Type type, std::string_view doc) {
    return {.path = path, .type = type, .doc = doc};
}

constexpr Key time(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most) {
    return {.path = path, .type = Type::duration, .doc = doc, .least = least, .most = most};
}
constexpr Key count(std::string_view path, std::string_view doc, std::int64_t least, std::int64_t most) {
    return {.path = path, .type = Type::integer, .doc = doc, .least = least, .most = most};
}
constexpr Key on_off(std::string_view path, std::string_view doc) {
    return {.path = path, .type = Type::choice, .doc = doc, .choices = switch_choices};
}
constexpr Key part(std::string_view path, std::string_view doc, std::string_view shorthand = {}) {
    return {.path = path, .type = Type::section, .doc = doc, .shorthand = shorthand};
}

constexpr Key sized(std::string_view path, std::string_view doc) { return plain(path, Type::size, doc); }

} // namespace mpsup::topology
