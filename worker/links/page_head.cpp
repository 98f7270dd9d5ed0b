#include "worker/links/page_head.h"

#include "worker/links/field_links.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mpsup::links {

namespace {

using contract::PageFate;
using http::equals_ignoring_case;

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

std::optional<std::string_view> value_of(std::span<const http::Field> fields, std::string_view name) noexcept {
    for (const http::Field& field : fields)
        if (equals_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
}

bool is_one_of(std::string_view name, std::span<const std::string_view> names) noexcept {
    return std::ranges::any_of(names, [name](std::string_view known) { return equals_ignoring_case(name, known); });
}

PageFate fate_of(Untouched why) noexcept {
    switch (why) {
    case Untouched::right: return PageFate::right;
    case Untouched::encoding: return PageFate::charset;
    case Untouched::too_costly: return PageFate::too_costly;
    }
    return PageFate::right;
}

} // namespace

PageType page_type(std::string_view content_type) noexcept {
    const std::size_t end = std::min(content_type.find(';'), content_type.size());
    const std::string_view type = trimmed(content_type.substr(0, end));
    PageType page;
    if (equals_ignoring_case(type, "text/html") || equals_ignoring_case(type, "application/xhtml+xml"))
        page.kind = PageKind::html;
    if (equals_ignoring_case(type, "text/css")) page.kind = PageKind::css;
    for (std::string_view rest = content_type.substr(end); page.kind != PageKind::none && !rest.empty();) {
        rest.remove_prefix(1); // the semicolon
        const std::string_view parameter = trimmed(rest.substr(0, rest.find(';')));
        constexpr std::string_view name = "charset=";
        if (equals_ignoring_case(parameter.substr(0, name.size()), name)) {
            page.charset = parameter.substr(name.size());
            return page;
        }
        rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    }
    return page;
}

std::expected<PageType, PageFate> page_of(int status, std::span<const http::Field> fields) {
    if (status == 204 || status == 205 || status == 304) return PageType{};
    const PageType page = page_type(value_of(fields, "Content-Type").value_or(""));
    if (page.kind == PageKind::none) return page;
    if (status == 206) return std::unexpected(PageFate::partial);
    const std::string_view coding = value_of(fields, "Content-Encoding").value_or("");
    if (!coding.empty() && !equals_ignoring_case(coding, "identity")) return std::unexpected(PageFate::coding);
    for (const http::Field& field : fields)
        if (equals_ignoring_case(field.name, "Cache-Control") && http::list_contains(field.value, "no-transform"))
            return std::unexpected(PageFate::unwanted);
    return page;
}

std::expected<std::string, PageFate> rewritten_page(PageKind kind, const Page& page, const LinkMap& map) {
    auto text = kind == PageKind::css ? rewritten_css(page, map) : rewritten_html(page, map);
    if (!text) return std::unexpected(fate_of(text.error()));
    return std::move(*text);
}

std::string sentence_of(PageFate fate) {
    const auto why = [fate]() -> std::string_view {
        switch (fate) {
        case PageFate::rewritten:
        case PageFate::right: return "nothing was wrong with it";
        case PageFate::too_large: return "it is larger than 2MiB";
        case PageFate::coding: return "it has a Content-Encoding";
        case PageFate::charset: return "its charset is none in which links can be found";
        case PageFate::streamed: return "it came in pieces, over a time";
        case PageFate::too_costly: return "it would take too long to parse";
        case PageFate::partial: return "it is a part (206)";
        case PageFate::unwanted: return "it says Cache-Control: no-transform";
        }
        std::unreachable();
    };
    return "links of a page are not rewritten: " + std::string(why()) + "; more such pages are counted and not said";
}

bool hide_map(const http::Request& request, const PageTag& tag, http::Request& seen, std::string& memory) {
    std::string list; // lines of a field are one list
    bool is_page = false;
    for (const http::Field& field : request.fields) {
        if (!equals_ignoring_case(field.name, "If-None-Match")) continue;
        const auto own = tag.unmarked(field.value);
        is_page = is_page || own;
        const std::string_view rest = own ? *own : field.value;
        if (!rest.empty()) list.append(list.empty() ? "" : ", ").append(rest);
    }
    if (!is_page) return false;
    memory = std::move(list);
    seen = request;
    std::erase_if(seen.fields, [](const http::Field& field) {
        return equals_ignoring_case(field.name, "If-None-Match") ||
               equals_ignoring_case(field.name, "If-Modified-Since");
    });
    if (!memory.empty()) seen.fields.push_back({"If-None-Match", memory});
    return true;
}

void PageFields::assign(std::span<const http::Field> fields) {
    fields_.clear();
    for (const http::Field& field : fields) fields_.push_back({std::string(field.name), std::string(field.value)});
}

std::vector<http::Field> PageFields::views() const {
    std::vector<http::Field> views;
    views.reserve(fields_.size());
    for (const Owned& field : fields_) views.push_back({field.name, field.value});
    return views;
}

void PageFields::rewrite_links(const LinkMap& map, const LinkBase& base) {
    for (Owned& field : fields_)
        if (auto changed = changed_field(field.name, field.value, map, base)) field.value = std::move(*changed);
}

void PageFields::describe_page(const PageTag& tag) {
    static constexpr std::string_view of_other_bytes[] = {"Accept-Ranges", "Content-Digest", "Content-MD5",
                                                          "Digest",        "Last-Modified",  "Repr-Digest"};
    for (Owned& field : fields_)
        if (equals_ignoring_case(field.name, "ETag")) field.value = tag.marked(field.value);
    std::erase_if(fields_, [](const Owned& field) {
        const bool is_no_tag = field.value.empty() && equals_ignoring_case(field.name, "ETag");
        return is_no_tag || is_one_of(field.name, of_other_bytes);
    });
}

void PageFields::tag_as_asked(const http::Request& request, const PageTag& tag) {
    bool is_page = false;
    for (Owned& field : fields_) {
        if (!equals_ignoring_case(field.name, "ETag")) continue;
        for (const http::Field& asked : request.fields) {
            if (!equals_ignoring_case(asked.name, "If-None-Match")) continue;
            const std::string_view known = tag.as_asked(asked.value, field.value);
            if (known.empty()) continue;
            field.value = known;
            is_page = true;
            break;
        }
    }
    if (is_page)
        std::erase_if(fields_, [](const Owned& field) { return equals_ignoring_case(field.name, "Last-Modified"); });
}

} // namespace mpsup::links
