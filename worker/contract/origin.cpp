#include "worker/contract/origin.h"

#include "base/address.h"

#include <algorithm>

namespace mpsup::contract {

namespace {

constexpr std::size_t longest_name = 253; // RFC 1035 section 2.3.4, as text
constexpr std::size_t longest_label = 63;

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_label_char(char c) noexcept { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; }

// One that ends in digits is an address or nothing: browsers take it for one.
bool is_name(std::string_view host) {
    if (host.empty() || host.size() > longest_name) return false;
    for (;;) {
        const std::string_view label = host.substr(0, host.find('.'));
        if (label.empty() || label.size() > longest_label || !std::ranges::all_of(label, is_label_char)) return false;
        if (label.size() == host.size()) return !std::ranges::all_of(label, is_digit);
        host.remove_prefix(label.size() + 1);
    }
}

// Empty: it is none.
std::string host_of(const std::string& text) {
    if (const auto address = Address::parse(text + ":1"))
        return address->is_ipv6() ? "[" + address->ip + "]" : address->ip;
    return is_name(text) ? text : std::string();
}

} // namespace

std::uint16_t usual_port(std::string_view scheme) noexcept { return scheme == "https" ? 443 : 80; }

std::optional<Origin> Origin::parse(std::string_view text) {
    const std::string lower = to_lower(text);
    const auto colon = lower.find("://");
    Origin origin;
    origin.scheme = lower.substr(0, colon);
    if (colon == std::string::npos || (origin.scheme != "http" && origin.scheme != "https")) return std::nullopt;
    const std::string authority = lower.substr(colon + 3);
    const auto bracket = authority.rfind(']');
    const auto port = authority.find(':', bracket == std::string::npos ? 0 : bracket);
    origin.port = usual_port(origin.scheme);
    if (port != std::string::npos) {
        const auto listener = Address::parse("0.0.0.0" + authority.substr(port));
        if (!listener) return std::nullopt;
        origin.port = listener->port;
    }
    origin.host = host_of(authority.substr(0, port));
    return origin.host.empty() ? std::nullopt : std::optional(std::move(origin));
}

std::string Origin::text() const {
    std::string result = scheme + "://" + host;
    if (port != usual_port(scheme)) result += ":" + std::to_string(port);
    return result;
}

Origin Origin::at_host_of(std::string_view authority) const {
    const auto found = parse(scheme + "://" + std::string(authority));
    return {scheme, found ? found->host : host, port};
}

} // namespace mpsup::contract
