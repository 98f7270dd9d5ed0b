#include "worker/contract/path_pattern.h"

#include "worker/contract/path_language.h"

#include <algorithm>

namespace mpsup::contract {

namespace {

constexpr std::size_t longest = 1024;
constexpr std::ptrdiff_t most_stars = 16;

bool is_plain(char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != 0x7f && c != '?' && c != '#' && c != ';' && c != '\\';
}

bool has_odd_segment(std::string_view path) {
    for (std::size_t start = 1; start <= path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view segment = path.substr(start, end - start);
        if (segment == "." || segment == ".." || (segment.empty() && end < path.size())) return true;
        start = end + 1;
    }
    return false;
}

// `*` within a segment, `**` across them. With `is_below` a text that goes on after the pattern matches. Only the last star
// of each kind is ever tried again, so the time is bounded by the square of the text's length.
bool glob(std::string_view pattern, std::string_view text, bool is_below) noexcept {
    constexpr auto none = std::string_view::npos;
    struct Star {
        std::size_t after = none; // it in the pattern
        std::size_t end = 0;      // of what it stands for
    } one, any;
    std::size_t p = 0;
    std::size_t t = 0;
    for (;;) {
        if (p == pattern.size() && (is_below || t == text.size())) return true;
        if (p < pattern.size() && pattern[p] == '*') {
            const std::size_t after = std::min(pattern.find_first_not_of('*', p), pattern.size());
            (after - p == 1 ? one : any) = {after, t};
            if (after - p > 1) one = {};
            p = after;
        } else if (p < pattern.size() && t < text.size() && pattern[p] == text[t]) {
            ++p, ++t;
        } else if (one.after != none && one.end < text.size() && text[one.end] != '/') {
            t = ++one.end;
            p = one.after;
        } else if (any.after != none && any.end < text.size()) {
            one = {};
            t = ++any.end;
            p = any.after;
        } else {
            return false;
        }
    }
}

bool is_below(std::string_view prefix, std::string_view path) noexcept {
    return path.starts_with(prefix) || path == prefix.substr(0, prefix.size() - 1);
}

} // namespace

std::optional<PathPattern> PathPattern::parse(std::string_view text) {
    if (text.empty() || text.size() > longest || !std::ranges::all_of(text, is_plain)) return std::nullopt;
    const auto stars = std::ranges::count(text, '*');
    if (stars > most_stars) return std::nullopt;
    PathPattern pattern{Kind::exact, std::string(text)};
    if (text.front() != '/') {
        pattern.kind = Kind::name_glob;
        return stars > 0 && !text.contains('/') ? std::optional(pattern) : std::nullopt;
    }
    if (has_odd_segment(text)) return std::nullopt;
    if (stars > 0)
        pattern.kind = Kind::path_glob;
    else if (text.ends_with('/'))
        pattern.kind = Kind::prefix;
    return pattern;
}

bool PathPattern::matches(std::string_view normal_path) const noexcept {
    switch (kind) {
    case Kind::prefix: return is_below(text, normal_path);
    case Kind::exact: return normal_path == text;
    case Kind::name_glob: return glob(text, normal_path.substr(normal_path.rfind('/') + 1), false);
    case Kind::path_glob: return glob(text, normal_path, text.ends_with('/'));
    }
    return false;
}

bool PathPattern::covers(const PathPattern& other) const noexcept {
    if (*this == other || (kind == Kind::prefix && text == "/")) return true;
    if (other.kind == Kind::exact) return matches(other.text);
    if (kind == Kind::exact) return false;
    if (kind == Kind::prefix && other.kind == Kind::prefix) return is_below(text, other.text);
    return includes(*this, other);
}

} // namespace mpsup::contract
