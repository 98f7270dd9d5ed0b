// What an accelerator says of the client on whose behalf it asks. To be believed on the socket of a pool only, which nobody
// else can reach: there the accelerator has put its own words in the place of what clients sent.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/request.h"

#include <string_view>

namespace mpsup::dynamic {

/// Views into the request, or constants.
struct Forwarded {
    std::string_view remote_address = "127.0.0.1"; // the last of X-Forwarded-For, if it is an IP address
    std::string_view remote_port;                  // Mpsup-Client-Port; empty: nobody knows
    bool is_secure = false;                        // X-Forwarded-Proto: https
    std::string_view server_name = "localhost";    // of Host, without brackets
    std::string_view server_port = "80";           // of Host, or the usual one of the scheme
};

[[nodiscard]] Forwarded forwarded_of(const http::Request& request) noexcept;

/// Of requests that an accelerator passes on: it has kept to its own limits, and added some fields.
[[nodiscard]] http::Limits trusted_limits();
/// Nor does it read slower than its own client makes it, whom it has an eye on: it may pause for longer than that client, for
/// it reads on only when much of what it has is gone. When it is no more, writing fails.
[[nodiscard]] http::Deadlines trusted_deadlines(http::Deadlines deadlines);

} // namespace mpsup::dynamic
