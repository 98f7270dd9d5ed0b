#include "worker/links/page_tag.h"

#include <algorithm>

namespace mpsup::links {

namespace {

constexpr std::size_t mark_size = 9; // "-l3fa9b2s"

std::string_view opaque(std::string_view tag) noexcept { return tag.substr(tag.starts_with("W/") ? 2 : 0); }

bool is_tag(std::string_view tag) noexcept {
    const std::string_view text = opaque(tag);
    return text.size() >= 2 && text.front() == '"' && text.find('"', 1) == text.size() - 1;
}

// "-l3fa9b2s" of a tag that has it, of whatever map; else empty.
std::string_view mark_of(std::string_view tag) noexcept {
    if (!tag.starts_with("W/\"") || tag.size() < mark_size + 4) return {};
    const std::string_view mark = tag.substr(tag.size() - mark_size - 1, mark_size);
    const bool is_mark = mark.starts_with("-l") && (mark.back() == 's' || mark.back() == 'w');
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return is_mark && std::ranges::all_of(mark.substr(2, mark_size - 3), is_digit) ? mark : std::string_view();
}

std::string without_mark(std::string_view tag) {
    const bool was_weak = mark_of(tag).back() == 'w';
    const std::string_view text = opaque(tag);
    return (was_weak ? "W/" : "") + std::string(text.substr(0, text.size() - mark_size - 1)) + '"';
}

// Each tag of the list; what is none is skipped.
template <typename Take> void each_tag(std::string_view list, Take take) {
    while (!list.empty()) {
        const std::size_t open = list.starts_with("W/") ? 2 : 0;
        if (open >= list.size() || list[open] != '"') {
            list.remove_prefix(1);
            continue;
        }
        const auto close = list.find('"', open + 1);
        if (close == std::string_view::npos) return;
        take(list.substr(0, close + 1));
        list.remove_prefix(close + 1);
    }
}

} // namespace

std::string PageTag::marked(std::string_view tag) const {
    if (!is_tag(tag)) return {};
    const std::string_view text = opaque(tag);
    std::string result = "W/";
    result += text.substr(0, text.size() - 1);
    return result.append("-").append(map_) + (text.size() == tag.size() ? "s\"" : "w\"");
}

std::optional<std::string> PageTag::unmarked(std::string_view list) const {
    std::string result;
    bool is_changed = false;
    each_tag(list, [&](std::string_view tag) {
        const std::string_view mark = mark_of(tag);
        is_changed = is_changed || !mark.empty();
        if (!mark.empty() && mark.substr(1, mark_size - 2) != map_) return;
        result.append(result.empty() ? "" : ", ").append(mark.empty() ? std::string(tag) : without_mark(tag));
    });
    return is_changed ? std::optional(std::move(result)) : std::nullopt;
}

std::string_view PageTag::as_asked(std::string_view list, std::string_view tag) const {
    std::string_view found;
    each_tag(list, [&](std::string_view asked) {
        const std::string_view mark = mark_of(asked);
        if (mark.empty() || mark.substr(1, mark_size - 2) != map_) return;
        if (found.empty() && opaque(without_mark(asked)) == opaque(tag)) found = asked;
    });
    return found;
}

} // namespace mpsup::links
