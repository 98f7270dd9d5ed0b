// Whether a rewritten page is the page that it was, but for its links: by the trees of both, parsed whole.
#pragma once

#include "worker/links/link_map.h"

#include <string>
#include <string_view>

namespace mpsup::links {

/// What is wrong with `after`, in words; empty when it is as it should be: the same nodes with the same texts and attributes,
/// but for links, whose new values follow from the old ones by `map`. `exact`: pages in UTF-8 without NUL and 0xFF; else
/// the new values are not worked out.
[[nodiscard]] std::string difference(std::string_view before, std::string_view after, const LinkMap& map,
                                     std::string_view path, bool exact);

} // namespace mpsup::links
