// What one route says about caching.
#pragma once

#include <cstdint>

namespace mpsup::cache {

/// Wall-clock seconds since 1970, or a length of time in seconds. The policy has no clock: whoever asks says what time it is.
using Seconds = std::int64_t;

/// All lengths of time are defaults, for responses that say nothing of it themselves.
struct Rule {
    bool on = false;         // false: every request goes through, nothing is stored
    Seconds default_ttl = 0; // for a response without any explicit lifetime; 0: it is stored for validation only
    Seconds stale_while_revalidate = 0; // how long a stale response may be sent while it is being renewed (RFC 5861)
    Seconds stale_if_error = 0;         // and when the origin fails
    bool obey_clients = true;           // Cache-Control and Pragma of requests count (RFC 9111 section 5.2.1: they may)
};

} // namespace mpsup::cache
