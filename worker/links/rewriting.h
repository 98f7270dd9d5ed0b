// Pages and style sheets with links that lead where they should.
#pragma once

#include "worker/links/html_links.h"

#include <expected>
#include <string>

namespace mpsup::links {

/// The new text, or why there is none: the old one is to be sent as it is. A page is the same octet for octet but for what
/// `html_links` names. A page that was rewritten is right.
[[nodiscard]] std::expected<std::string, Untouched> rewritten_html(const Page& page, const LinkMap& map);
/// The same of a style sheet (`css_links`).
[[nodiscard]] std::expected<std::string, Untouched> rewritten_css(const Page& sheet, const LinkMap& map);

} // namespace mpsup::links
