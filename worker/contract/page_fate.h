// What became of a page whose links were to be rewritten.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace mpsup::contract {

enum class PageFate : unsigned char {
    rewritten,
    right,      // no link leads to another server
    too_large,  // this and all that follow: it was passed on as it came
    coding,     // a Content-Encoding
    charset,    // one in which links cannot be found octet by octet, or that is not known
    streamed,   // it came over a time, so somebody may wait for its beginning
    too_costly, // to parse
    partial,    // a part of it alone (206)
    unwanted,   // the application said Cache-Control: no-transform
};

/// In the order of PageFate, as they stand in `mpsup status -o json`.
constexpr std::array<std::string_view, 9> page_fates{"rewritten", "right",      "too_large", "coding",  "charset",
                                                     "streamed",  "too_costly", "partial",   "unwanted"};

[[nodiscard]] constexpr std::string_view to_string(PageFate fate) noexcept {
    return page_fates[static_cast<std::size_t>(fate)];
}
/// Was it passed on although its links may be wrong?
[[nodiscard]] constexpr bool is_untouched(PageFate fate) noexcept { return fate > PageFate::right; }

} // namespace mpsup::contract
