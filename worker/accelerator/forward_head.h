// The head of a request as an upstream gets it.
#pragma once

#include "worker/accelerator/client_identity.h"
#include "worker/http/request.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mpsup::accelerator {

/// What goes to the upstream besides the client's own fields. Views are read during the call only.
struct ForwardPlan {
    std::string_view peer;                    // address of the connection, for Forwarded
    std::uint16_t client_port = 0;            // for a pool: of the client that the identity names; 0: not known
    std::string_view request_id;              // made or kept, never empty
    std::string_view fallback_host;           // for a client of HTTP/1.0 that named none
    std::string_view target;                  // origin form; empty: the path and query of the request
    std::uint64_t start_us = 0;               // when the request came, microseconds since the epoch
    bool has_content = false;                 // the request has one, be it empty
    std::optional<std::uint64_t> length;      // of the content, when it is known; else it is sent in chunks
    bool upgrade = false;                     // a WebSocket: Upgrade passes, the connection becomes one
    bool keep_alive = false;                  // the connection is to be kept
    bool refetch = false;                     // for a copy to keep: conditions, ranges are left out
    std::span<const http::Field> additions{}; // of a cache: conditions of its own
    std::span<const std::pair<std::string, std::string>> overrides{}; // of the route; an empty value takes a field away
    std::string_view prefix;                                          // that `target` lacks: X-Forwarded-Prefix
};

/// Appends the request head to `out`. Framing is made afresh; hop-by-hop fields, Expect, names that begin with X-Accel- or
/// Mpsup-, X-Sendfile-Type and what forwarding fields the client sent are left out; names with an underscore never came
/// through the gate. Added: Host, X-Forwarded-For, -Proto, -Host and -Port, Forwarded (RFC 7239), X-Real-IP, X-Request-Id,
/// X-Request-Start, Via and, where it is known, Mpsup-Client-Port.
void write_forward_head(std::string& out, const http::Request& request, const ClientIdentity& identity,
                        const ForwardPlan& plan);

/// Does the client want a WebSocket (RFC 6455 section 4.1)?
[[nodiscard]] bool wants_websocket(const http::Request& request) noexcept;

} // namespace mpsup::accelerator
