// Who is at the other end of a connection.
#pragma once

#include <cstdint>
#include <string>

namespace mpsup::http {

/// What PROXY protocol said when the listener demands it, else what the kernel says.
struct Client {
    std::string address; // without port; empty for a unix socket
    std::uint16_t port = 0;
    std::string local_address; // that it connected to; this and the port are known in Handler::serve() only
    std::uint16_t local_port = 0;
    bool tls = false;
    bool trusted =
        false; // a proxy of ours, as the listener says (ListenerOptions::trusted): its forwarding fields count
};

} // namespace mpsup::http
