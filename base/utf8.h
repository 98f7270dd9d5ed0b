// Text in UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace mpsup {

/// The length of the character that begins `text`, as RFC 3629 has it: no surrogates, none longer than it need be, none beyond
/// U+10FFFF. 0: none does. Pure.
[[nodiscard]] std::size_t utf8_character(std::string_view text) noexcept;

} // namespace mpsup
