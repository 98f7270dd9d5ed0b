#include "worker/accelerator/client_identity.h"

#include "worker/http/target.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <optional>

namespace mpsup::accelerator {

namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_address(std::string_view text) noexcept {
    std::array<char, INET6_ADDRSTRLEN> copy{};
    if (text.size() >= copy.size()) return false;
    text.copy(copy.data(), text.size());
    std::array<unsigned char, sizeof(in6_addr)> binary{};
    return ::inet_pton(text.contains(':') ? AF_INET6 : AF_INET, copy.data(), binary.data()) == 1;
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711": the address, or nothing.
std::string_view address_of(std::string_view element) noexcept {
    if (element.starts_with('[')) {
        const std::size_t close = element.find(']');
        element = close == std::string_view::npos ? std::string_view{} : element.substr(1, close - 1);
    } else if (std::ranges::count(element, ':') == 1) {
        element = element.substr(0, element.find(':'));
    }
    return is_address(element) ? element : std::string_view{};
}

bool is_port(std::string_view text) noexcept {
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc{} && end == text.data() + text.size() && port >= 1 && port <= 65535;
}

// The last field of that name: the nearest proxy wrote it.
std::string_view last(const http::Request& request, std::string_view name) noexcept {
    std::string_view value;
    for (const http::Field& field : request.fields)
        if (http::equals_ignoring_case(field.name, name)) value = field.value;
    return value;
}

std::string_view last_element(std::string_view list) noexcept {
    const std::size_t comma = list.rfind(',');
    return trim(comma == std::string_view::npos ? list : list.substr(comma + 1));
}

// Walks X-Forwarded-For from its right end. Several lines of it are one list (RFC 9110 section 5.3), but only the last is
// read: nothing that we trust makes more than one.
void find_address(const http::Request& request, const TrustedAddress& trusted, ClientIdentity& identity) {
    std::string_view list = last(request, "X-Forwarded-For");
    for (;;) {
        const std::string_view address = address_of(last_element(list));
        if (address.empty()) return; // the list has ended, or holds nonsense: the last good one counts
        identity.address = address;
        const std::size_t comma = list.rfind(',');
        list = comma == std::string_view::npos ? std::string_view{} : trim(list.substr(0, comma));
        identity.chain = list;
        if (list.empty() || !trusted(address)) return;
    }
}

std::string_view default_port(std::string_view proto) noexcept { return proto == "https" ? "443" : "80"; }

void believe(const http::Request& request, const TrustedAddress& trusted, ClientIdentity& identity) {
    find_address(request, trusted, identity);
    const std::string_view proto = last_element(last(request, "X-Forwarded-Proto"));
    if (http::equals_ignoring_case(proto, "https")) identity.proto = "https";
    if (http::equals_ignoring_case(proto, "http")) identity.proto = "http";
    const std::string_view host = last_element(last(request, "X-Forwarded-Host"));
    if (!host.empty() && http::is_valid_authority(host)) identity.host = host;
    const std::string_view id = last(request, "X-Request-Id");
    if (is_request_id(id)) identity.request_id = id;
    identity.forwarded = last(request, "Forwarded");
}

} // namespace

std::string_view host_of(std::string_view authority) noexcept {
    if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
    return authority.substr(0, authority.find(':'));
}

std::string_view port_of(std::string_view authority) noexcept {
    authority.remove_prefix(host_of(authority).size());
    if (authority.starts_with(':')) authority.remove_prefix(1);
    return authority;
}

void identify(const http::Request& request, const Peer& peer, const TrustedAddress& trusted, ClientIdentity& identity) {
    identity.address = peer.address;
    identity.chain = identity.forwarded = identity.request_id = {};
    identity.proto = peer.tls ? "https" : "http";
    identity.host = request.authority;
    const bool given_proto = peer.trusted && !last(request, "X-Forwarded-Proto").empty();
    if (peer.trusted) believe(request, trusted, identity);
    identity.port = port_of(identity.host);
    const std::string_view port = peer.trusted ? last_element(last(request, "X-Forwarded-Port")) : std::string_view{};
    if (is_port(port)) identity.port = port;
    if (!identity.port.empty()) return;
    identity.port = default_port(identity.proto);
    if (!identity.host.empty() || given_proto || peer.local_port == 0) return;
    identity.port_text = std::to_string(peer.local_port);
    identity.port = identity.port_text;
}

bool is_request_id(std::string_view text) noexcept {
    constexpr std::string_view others = "-_.+/=@:";
    return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [&](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || others.contains(c);
    });
}

void make_request_id(std::uint64_t high, std::uint64_t low, std::string& id) {
    constexpr std::string_view digits = "0123456789abcdef";
    id.resize(32);
    for (std::size_t i = 0; i < 16; ++i) {
        id[15 - i] = digits[(high >> (4 * i)) & 15U];
        id[31 - i] = digits[(low >> (4 * i)) & 15U];
    }
}

} // namespace mpsup::accelerator
