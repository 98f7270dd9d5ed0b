// Encodings of pages, as far as looking for links goes.
#pragma once

#include <string_view>

namespace mpsup::links {

/// Is each octet below 0x80 the ASCII character in a text of this encoding, wherever it stands? Then links can be found and
/// changed without decoding. `label`: as in "charset=", in any case, maybe quoted; empty: nothing is known, which counts as yes.
/// False for UTF-16, UTF-7, Shift_JIS and its like, whose second octets are ASCII, and for every label we do not know.
[[nodiscard]] bool is_ascii_superset(std::string_view label);

/// Does it begin with the mark of UTF-16 or UTF-32? That counts for more than what a label says.
[[nodiscard]] bool has_wide_mark(std::string_view text) noexcept;

} // namespace mpsup::links
