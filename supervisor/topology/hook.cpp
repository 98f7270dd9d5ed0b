#include "supervisor/topology/hook.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mpsup::topology {

namespace {

constexpr std::size_t longest_url = 2048;
constexpr std::string_view scheme = "http://";

// Printable ASCII without what would end a line of a request or hide a part of the URL.
bool is_clean(std::string_view text) {
    return std::ranges::all_of(
        text, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

} // namespace

std::string_view to_string(HookPoint point) noexcept {
    switch (point) {
    case HookPoint::pre_start: return "pre_start";
    case HookPoint::post_ready: return "post_ready";
    case HookPoint::pre_stop: return "pre_stop";
    case HookPoint::post_exit: return "post_exit";
    case HookPoint::pre_roll: return "pre_roll";
    case HookPoint::post_roll: return "post_roll";
    case HookPoint::on_alert: return "on_alert";
    }
    std::unreachable();
}

std::string HttpUrl::authority() const {
    const std::string name = host.contains(':') ? "[" + host + "]" : host;
    return port == 80 ? name : name + ":" + std::to_string(port);
}

std::optional<HttpUrl> parse_http_url(std::string_view text) {
    if (!text.starts_with(scheme) || text.size() > longest_url || !is_clean(text) || text.contains('#'))
        return std::nullopt;
    text.remove_prefix(scheme.size());
    const auto path = std::min(text.find_first_of("/?"), text.size());
    std::string_view authority = text.substr(0, path);
    HttpUrl url;
    url.target = (path < text.size() && text[path] == '/' ? "" : "/") + std::string(text.substr(path));
    const bool is_six = authority.starts_with('[');
    const auto host_end = is_six ? authority.find(']') : std::min(authority.find(':'), authority.size());
    if (host_end == std::string_view::npos || authority.contains('@')) return std::nullopt;
    url.host = std::string(authority.substr(is_six ? 1 : 0, host_end - (is_six ? 1 : 0)));
    authority.remove_prefix(host_end + (is_six ? 1 : 0));
    if (url.host.empty() || (!authority.empty() && !authority.starts_with(':'))) return std::nullopt;
    if (authority.empty()) return url;
    const auto port = parse_port(authority.substr(1));
    if (!port) return std::nullopt;
    url.port = *port;
    return url;
}

} // namespace mpsup::topology
