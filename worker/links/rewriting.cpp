#include "worker/links/rewriting.h"

#include "worker/links/charset.h"
#include "worker/links/css_links.h"
#include "worker/links/word_scan.h"

namespace mpsup::links {

namespace {

std::expected<std::string, Untouched> with(std::string_view text, const Edits& edits) {
    if (edits.empty()) return std::unexpected(Untouched::right);
    return applied(text, edits);
}

// @charset "x"; at the very start, as CSS Syntax Level 3 section 3.2 wants it to be written.
std::string_view said_charset(std::string_view css) noexcept {
    constexpr std::string_view start = "@charset \"";
    if (!css.starts_with(start)) return {};
    return css.substr(start.size(), css.find('"', start.size()) - start.size());
}

} // namespace

std::expected<std::string, Untouched> rewritten_html(const Page& page, const LinkMap& map) {
    const auto edits = html_links(page, map);
    if (!edits) return std::unexpected(edits.error());
    return with(page.text, *edits);
}

std::expected<std::string, Untouched> rewritten_css(const Page& sheet, const LinkMap& map) {
    const std::string_view charset = sheet.charset.empty() ? said_charset(sheet.text) : sheet.charset;
    if (!is_ascii_superset(charset) || has_wide_mark(sheet.text)) return std::unexpected(Untouched::encoding);
    const LinkBase base = map.base(sheet.path);
    if (const auto words = map.words(base); words && !may_hold_words(sheet.text, *words))
        return std::unexpected(Untouched::right);
    return with(sheet.text, css_links(sheet.text, map, base));
}

} // namespace mpsup::links
