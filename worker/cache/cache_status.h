// The field Cache-Status (RFC 9211).
#pragma once

#include "worker/cache/rule.h"

#include <array>
#include <optional>
#include <string_view>

namespace mpsup::cache {

/// Our member of the list.
struct CacheStatus {
    enum class Forward { none, bypass, method, uri_miss, vary_miss, miss, request, stale, partial };
    Forward forward = Forward::none; // none: a hit
    int forward_status = 0; // fwd-status: what the origin answered, when that is not what the client gets; 0: left out
    std::optional<Seconds> ttl; // negative: stale
    bool stored = false;
    bool collapsed = false;  // it waited for another request's response
    std::string_view detail; // a token (a constant); empty: none

    using Text = std::array<char, 160>;
    /// "mpsup; hit; ttl=120", "mpsup; fwd=stale; fwd-status=304; ttl=60; stored"; the view lives in `space`.
    [[nodiscard]] std::string_view text(Text& space) const noexcept;
    /// One word for the access log: hit, stale, revalidated, miss, bypass…
    [[nodiscard]] std::string_view word() const noexcept;
};

} // namespace mpsup::cache
