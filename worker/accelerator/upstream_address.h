// Where an upstream listens, ready for connect(2).
#pragma once

#include "base/error.h"

#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace mpsup::http {
class TlsClient;
}

namespace mpsup::accelerator {

struct UpstreamAddress {
    std::string text; // as in the topology; for TCP also the authority that the application knows itself by
    sockaddr_storage address{};
    socklen_t size = 0;
    std::string ip{};                             // without the port; empty for a unix socket
    std::shared_ptr<const http::TlsClient> tls{}; // it speaks TLS when there is one

    [[nodiscard]] bool is_unix() const noexcept { return address.ss_family == AF_UNIX; }

    /// "IP:PORT", "[IPv6]:PORT" or "unix:/path", a path of at most 107 bytes.
    [[nodiscard]] static Result<UpstreamAddress> parse(std::string_view text);
};

} // namespace mpsup::accelerator
