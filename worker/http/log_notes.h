// What becomes known of one request while it is served, for its line in the access log.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace mpsup::http {

/// What is empty was not set, and shows as "-" or is left out of a JSON line.
struct LogNotes {
    std::string_view tier;  // "files", "cache", "pool", "backend": a constant, or the name of a route that outlives it
    std::string cache;      // member of Cache-Status (RFC 9211): "hit", "fwd=miss; stored"
    std::string request_id; // X-Request-Id
    std::optional<std::chrono::microseconds> queue; // until a child took it
    std::optional<std::chrono::microseconds> heavy; // that the child was busy with it
    pid_t child = 0;                                // that served it
    std::uint64_t generation = 0;                   // of the child

    [[nodiscard]] bool empty() const noexcept {
        return tier.empty() && cache.empty() && request_id.empty() && !queue && !heavy && child == 0;
    }
    void clear() noexcept {
        tier = {};
        cache.clear();
        request_id.clear();
        queue.reset();
        heavy.reset();
        child = 0;
        generation = 0;
    }
};

} // namespace mpsup::http
