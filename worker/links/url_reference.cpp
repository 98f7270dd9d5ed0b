#include "worker/links/url_reference.h"

#include "worker/http/char_class.h"
#include "worker/links/white_space.h"

#include <algorithm>

namespace mpsup::links {

namespace {

bool is_left_out(char c) noexcept { return c == '\t' || c == '\n' || c == '\r'; }
bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 && !is_left_out(c); }
bool is_slash(char c) noexcept { return c == '/' || c == '\\'; }

using http::lower;
bool is_letter(char c) noexcept { return lower(c) >= 'a' && lower(c) <= 'z'; }
bool is_scheme_char(char c) noexcept {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
}

// Takes "scheme:" off `rest`; empty when it does not begin with one.
std::string take_scheme(std::string_view& rest) {
    std::string scheme;
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const char c = rest[i];
        if (is_left_out(c)) continue;
        if (c == ':' && !scheme.empty()) {
            rest.remove_prefix(i + 1);
            return scheme;
        }
        if (!is_scheme_char(c) || (scheme.empty() && !is_letter(c))) break;
        scheme += lower(c);
    }
    return {};
}

bool is_authority(std::string_view text) noexcept {
    return !text.empty() && std::ranges::none_of(text, [](char c) { return is_left_out(c) || c == ' ' || c == '@'; });
}

// Takes "//authority" off `rest`. False: it begins with no two slashes.
bool take_authority(std::string_view& rest, std::string_view& authority) noexcept {
    if (rest.size() < 2 || !is_slash(rest[0]) || !is_slash(rest[1])) return false;
    const std::size_t end = std::min(rest.find_first_of("/\\", 2), rest.size());
    authority = rest.substr(2, end - 2);
    rest.remove_prefix(end);
    return true;
}

std::string plain_path(std::string_view raw) {
    std::string path;
    path.reserve(raw.size());
    for (const char c : raw)
        if (!is_left_out(c)) path += c == '\\' ? '/' : c;
    return path;
}

// How many dots a segment is: 1 or 2, in any way of writing them; else 0.
int dots(std::string_view segment) noexcept {
    int count = 0;
    while (!segment.empty()) {
        if (segment.front() == '.')
            segment.remove_prefix(1);
        else if (segment.size() >= 3 && segment[0] == '%' && segment[1] == '2' && lower(segment[2]) == 'e')
            segment.remove_prefix(3);
        else
            return 0;
        if (++count > 2) return 0;
    }
    return count;
}

} // namespace

SplitReference split_reference(std::string_view text) {
    UrlReference result;
    std::size_t end = text.size();
    while (end > 0 && is_space(text[end - 1])) --end;
    while (result.begin < end && is_space(text[result.begin])) ++result.begin;
    text = text.substr(0, end);
    std::string_view rest = text.substr(result.begin);
    if (rest.empty() || rest.front() == '#') return {.fault = ReferenceFault::nowhere};
    if (std::ranges::any_of(rest, is_control)) return {.fault = ReferenceFault::octets};
    result.tail = std::min(text.find_first_of("?#", result.begin), end);
    rest = text.substr(result.begin, result.tail - result.begin);
    result.scheme = take_scheme(rest);
    result.has_authority = take_authority(rest, result.authority);
    if (!result.has_authority && !result.scheme.empty()) return {.fault = ReferenceFault::scheme};
    if (result.has_authority && !is_authority(result.authority)) return {.fault = ReferenceFault::octets};
    result.path = plain_path(rest);
    // "/<tab>/host/": an authority for browsers, which do not see the tab.
    if (!result.has_authority && result.path.starts_with("//")) return {.fault = ReferenceFault::octets};
    return {.reference = std::move(result)};
}

std::string without_dot_segments(std::string_view path) {
    std::string result;
    result.reserve(path.size());
    std::size_t start = 1;
    while (start <= path.size()) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view segment = path.substr(start, end - start);
        const bool is_last = end == path.size();
        start = end + 1;
        const int count = dots(segment);
        if (count == 2) result.resize(std::min(result.rfind('/'), result.size()));
        if (count == 0) result.append("/").append(segment);
        if (count != 0 && is_last) result += '/';
    }
    return result.empty() ? "/" : result;
}

} // namespace mpsup::links
