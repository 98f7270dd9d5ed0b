// The links of a style sheet: url() and the strings of @import.
#pragma once

#include "worker/links/link_map.h"

#include <functional>
#include <optional>
#include <string_view>

namespace mpsup::links {

/// What must be changed in a style sheet, or in the value of a style attribute, so that all its links lead where they should.
/// It is read by the tokenizer of CSS Syntax Level 3, so comments, strings, escapes and what only looks like a link are told
/// apart; what is broken stays. `css`: in any encoding that has ASCII as a part. What is written is ASCII, and
/// holds no '<', quote or parenthesis that is not escaped.
[[nodiscard]] Edits css_links(std::string_view css, const LinkMap& map, const LinkBase& base);

/// What becomes of a decoded reference: an edit of it, or nothing.
using ChangeReference = std::function<std::optional<Edit>(std::string_view reference)>;
/// The same for whatever `change` says; it is asked once for each link, in their order.
[[nodiscard]] Edits css_links(std::string_view css, const ChangeReference& change);

} // namespace mpsup::links
