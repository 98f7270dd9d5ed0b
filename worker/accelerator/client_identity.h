// Who sends a request and what it asked for, as far as the proxies in front of us may be believed.
#pragma once

#include "worker/http/request.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace mpsup::accelerator {

/// Is this address one of `trusted_proxies`? Asked only about addresses that a trusted peer named.
using TrustedAddress = std::function<bool(std::string_view address)>;

/// The connection that a request came by. Views are read during the call only.
struct Peer {
    std::string_view address; // without port and brackets; "unix:" or empty for a unix socket
    std::string_view local_address;
    std::uint16_t local_port = 0;
    bool tls = false;
    bool trusted = false; // one of `trusted_proxies`
};

/// What the forwarding fields will say. Views point into the request and the peer, but for `request_id` of a new one.
struct ClientIdentity {
    std::string_view address;    // the rightmost one that is not trusted
    std::string_view chain;      // of X-Forwarded-For, what stands to the left of `address`; may be empty
    std::string_view proto;      // "http" or "https"
    std::string_view host;       // authority that the client asked for, port included when it gave one
    std::string_view port;       // decimal; that of `host`, else the default of `proto` or our own
    std::string_view forwarded;  // a trusted peer's Forwarded, to be continued
    std::string_view request_id; // a trusted peer's, when well-formed; else empty: one is to be made
    std::string port_text;       // what `port` may point to
    [[nodiscard]] bool secure() const noexcept { return proto == "https"; }
};

/// Fields of an untrusted peer say nothing: address, scheme and host are those of its connection. Of a trusted one
/// X-Forwarded-For is read from its right end as long as the addresses are trusted themselves, and X-Forwarded-Proto,
/// -Host and -Port count when they are well-formed.
void identify(const http::Request& request, const Peer& peer, const TrustedAddress& trusted, ClientIdentity& identity);

/// 1 to 128 of letters, digits and "-_.+/=@:".
[[nodiscard]] bool is_request_id(std::string_view text) noexcept;

/// `id` becomes 32 hex digits of two random numbers.
void make_request_id(std::uint64_t high, std::uint64_t low, std::string& id);

/// An authority without its port: "[::1]:80" is "[::1]".
[[nodiscard]] std::string_view host_of(std::string_view authority) noexcept;
/// The port of an authority, or nothing.
[[nodiscard]] std::string_view port_of(std::string_view authority) noexcept;

} // namespace mpsup::accelerator
