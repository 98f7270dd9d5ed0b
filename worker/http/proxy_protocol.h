// The header that a TCP proxy puts before what a client sends (PROXY protocol 1 and 2, haproxy.org proxy-protocol.txt).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mpsup::http {

struct ProxyHeader {
    enum class Status {
        incomplete, // more bytes are needed
        complete,   // the header is the first `size` bytes
        bad,        // no header, or not as it must be: nothing of the connection can be believed
    };
    Status status = Status::incomplete;
    std::size_t size = 0;
    bool told =
        false; // it says who the client is; else (LOCAL, UNKNOWN, unix sockets) the connection speaks for itself
    std::string address, local_address;
    std::uint16_t port = 0, local_port = 0;
};

/// Version 1 takes 107 bytes at most, version 2 is accepted up to this.
constexpr std::size_t max_proxy_header = 536;

/// `bytes` begin with the first byte of the connection. Strict: what the specification does not allow is bad as soon as it
/// shows. What follows the addresses in version 2 is passed over. Pure.
[[nodiscard]] ProxyHeader parse_proxy_header(std::string_view bytes);

} // namespace mpsup::http
