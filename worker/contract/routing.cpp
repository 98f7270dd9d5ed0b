#include "worker/contract/routing.h"

#include <algorithm>

namespace mpsup::contract {

namespace {

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// Without path parameters, and decoded. False: a bad escape, or a NUL.
bool decode(std::string_view raw, std::string& decoded) {
    decoded.clear();
    for (std::size_t i = 0; i < raw.size(); ++i) {
        char c = raw[i];
        if (c == ';') {
            const std::size_t end = raw.find('/', i);
            if (end == std::string_view::npos) return true;
            i = end;
            c = '/';
        } else if (c == '%') {
            const int high = raw.size() - i < 3 ? -1 : hex_value(raw[i + 1]);
            const int low = high < 0 ? -1 : hex_value(raw[i + 2]);
            if (low < 0) return false;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return false;
        decoded.push_back(c);
    }
    return true;
}

// RFC 3986 section 5.2.4, and without empty segments, in place. False: it leads above the root.
bool remove_dot_segments(std::string& path) {
    std::size_t written = 1; // a path "/…/" of whole segments
    for (std::size_t start = 1; start < path.size();) {
        const std::size_t end = std::min(path.find('/', start), path.size());
        const std::string_view segment(path.data() + start, end - start);
        const bool has_slash = end < path.size();
        start = end + 1;
        if (segment.empty() || segment == ".") continue;
        if (segment == "..") {
            if (written == 1) return false;
            written = path.rfind('/', written - 2) + 1;
            continue;
        }
        std::ranges::copy(segment, path.begin() + static_cast<std::ptrdiff_t>(written));
        written += segment.size();
        if (has_slash) path[written++] = '/';
    }
    path.resize(written);
    return true;
}

bool is_normal(std::string_view raw) noexcept {
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '%' || raw[i] == ';' || raw[i] == '\0') return false;
        if (raw[i] == '/' && i + 1 < raw.size() && (raw[i + 1] == '/' || raw[i + 1] == '.')) return false;
    }
    return true;
}

bool host_covers(std::string_view earlier, std::string_view later) noexcept {
    if (earlier.empty() || earlier == later) return true;
    if (later.empty()) return false;
    return host_matches(earlier, later.starts_with("*.") ? later.substr(1) : later);
}

} // namespace

std::optional<std::string_view> normal_path(std::string_view raw, std::string& memory) {
    if (!raw.starts_with('/')) return std::nullopt;
    if (is_normal(raw)) return raw;
    if (!decode(raw, memory) || !remove_dot_segments(memory)) return std::nullopt;
    return memory;
}

std::string_view normal_host(std::string_view authority, std::string& memory) {
    const std::size_t colon = authority.rfind(':');
    if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos)
        authority = authority.substr(0, colon);
    if (authority.ends_with('.')) authority.remove_suffix(1);
    if (std::ranges::none_of(authority, is_upper)) return authority;
    memory = authority;
    for (char& c : memory)
        if (is_upper(c)) c = static_cast<char>(c - 'A' + 'a');
    return memory;
}

bool host_matches(std::string_view pattern, std::string_view normal) noexcept {
    if (pattern.empty()) return true;
    if (!pattern.starts_with("*.")) return pattern == normal;
    const std::string_view end = pattern.substr(1);
    return normal.size() > end.size() && normal.ends_with(end);
}

Routing route(const Front& front, std::string_view authority, std::string_view path) {
    if (path == "*") return {};
    std::string path_memory;
    std::string host_memory;
    const auto normal = normal_path(path, path_memory);
    if (!normal) return {.bad_path = true};
    const std::string_view host = normal_host(authority, host_memory);
    for (std::size_t i = 0; i < front.routes.size(); ++i) {
        const Route& each = front.routes[i];
        if (host_matches(each.host, host) && each.path.matches(*normal)) return {.route = &each, .index = i};
    }
    return {};
}

bool shadows(const Route& earlier, const Route& later) noexcept {
    return host_covers(earlier.host, later.host) && earlier.path.covers(later.path);
}

} // namespace mpsup::contract
