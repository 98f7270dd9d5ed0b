// Fields whose values are lists (RFC 9110 section 5.6.1).
#pragma once

#include "worker/http/char_class.h"
#include "worker/http/request.h"

#include <span>
#include <string_view>

namespace mpsup::cache {

using Fields = std::span<const http::Field>;

[[nodiscard]] constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

using http::lower;

/// The end of the quoted string that starts at `at`: one behind its closing quote, or the end of a text that has none.
[[nodiscard]] constexpr std::size_t skip_quoted(std::string_view text, std::size_t at) noexcept {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '"') return at + 1;
        if (text[at] == '\\') ++at;
    }
    return text.size();
}

/// Takes the part before the next `separator` outside of quoted strings off `rest`, and the separator with it.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& rest, char separator) noexcept {
    std::size_t at = 0;
    while (at < rest.size() && rest[at] != separator) at = rest[at] == '"' ? skip_quoted(rest, at) : at + 1;
    const std::string_view part = rest.substr(0, at);
    rest.remove_prefix(at < rest.size() ? at + 1 : at);
    return part;
}

/// Calls `visit` with each member of a list, without white space around it; empty ones are none.
template <typename Visit> constexpr void for_each_member(std::string_view list, Visit visit) {
    while (!list.empty())
        if (const std::string_view member = trimmed(take_until(list, ',')); !member.empty()) visit(member);
}

/// The same for all lines of a field.
template <typename Visit> void for_each_member(Fields fields, std::string_view name, Visit visit) {
    for (const http::Field& field : fields)
        if (http::equals_ignoring_case(field.name, name)) for_each_member(field.value, visit);
}

/// The first line of a field, or nothing.
[[nodiscard]] inline const http::Field* find_field(Fields fields, std::string_view name) noexcept {
    for (const http::Field& field : fields)
        if (http::equals_ignoring_case(field.name, name)) return &field;
    return nullptr;
}

} // namespace mpsup::cache
