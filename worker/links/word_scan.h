// Whether a page may hold certain words at all, so that most need no parser.
#pragma once

#include <span>
#include <string_view>

namespace mpsup::links {

/// False: no reference anywhere in `page` (HTML or CSS) has one of the words in its path, in whatever way it is written: plain,
/// with line ends within, percent-encoded, by character references or escapes of CSS; and there is no `<base`. True: maybe.
/// Words are not empty, of letters, digits, '-', '.', '_', '~'.
[[nodiscard]] bool may_hold_words(std::string_view page, std::span<const std::string_view> words);

} // namespace mpsup::links
