#include "worker/links/field_links.h"

#include "worker/http/percent.h"
#include "worker/http/request.h"

namespace mpsup::links {

namespace {

std::string encoded(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '%' || c == '[' || c == ']')
            result += c;
        else
            result += http::encode_path({&c, 1});
    }
    return result;
}

} // namespace

std::optional<Spans> field_references(std::string_view name, std::string_view value) {
    const auto is = [name](std::string_view known) { return http::equals_ignoring_case(name, known); };
    if (is("Location") || is("Content-Location")) return Spans{{0, value.size()}};
    if (is("Link")) return link_field_references(value);
    if (is("Refresh")) return refresh_references(value);
    return std::nullopt;
}

std::optional<std::string> changed_field(std::string_view name, std::string_view value, const LinkMap& map,
                                         const LinkBase& base) {
    const auto spans = field_references(name, value);
    if (!spans) return std::nullopt;
    Edits edits;
    for (const Span& span : *spans)
        if (auto edit = map.change(base, span.of(value)))
            edits.push_back({span.begin + edit->begin, span.begin + edit->end, encoded(edit->text)});
    return edits.empty() ? std::nullopt : std::optional(applied(value, edits));
}

} // namespace mpsup::links
