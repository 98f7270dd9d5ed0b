// How an event-loop server serves.
#pragma once

#include "worker/http/connection.h"
#include "worker/http/guards.h"

#include <chrono>
#include <cstddef>
#include <memory>

namespace mpsup::http {

class TlsKeeper;

struct ServerOptions {
    Connection::Options connection;
    GuardLimits guards;
    /// Connections at a time; before there are more the longest idle ones are closed. 0: as many as descriptors allow, a
    /// quarter of them kept for other things.
    std::size_t connections = 0;
    bool json_log = false; // one JSON object a line, instead of the combined format
    std::chrono::milliseconds tick{200};
};

/// Of one listener, and of all connections that came by it.
struct ListenerOptions {
    std::shared_ptr<const TlsKeeper> tls; // speaks TLS when there is one
    bool proxy_protocol = false;          // each connection begins with a PROXY header, v1 or v2, or is closed
    bool trusted = false;                 // whoever connects here is a proxy of ours (Client::trusted)
    bool guarded = true;                  // GuardLimits apply
};

} // namespace mpsup::http
