// YAML text to a tree, through yaml-cpp's events, so that no limit is noticed too late.
#pragma once

#include "supervisor/topology/node.h"

#include <expected>
#include <string_view>

namespace mpsup::topology {

/// The one document in `text` (which passed check_text), or the first thing in it that is no YAML or not taken here:
/// a second document, tags, merge keys, keys that are not plain text, aliases that are cyclic or too many,
/// nesting over max_nesting, more than max_values values. Never throws.
[[nodiscard]] std::expected<NodePtr, Finding> read_yaml(std::string_view text);

} // namespace mpsup::topology
