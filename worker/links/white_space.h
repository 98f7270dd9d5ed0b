// White space as HTML and CSS have it (WHATWG Infra, "ASCII whitespace").
#pragma once

#include <string_view>

namespace mpsup::links {

inline constexpr std::string_view white_space = " \t\n\f\r";

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

} // namespace mpsup::links
