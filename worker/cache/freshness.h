// How long a response may be used (RFC 9111 section 4.2).
#pragma once

#include "worker/cache/cache_control.h"

#include <cstdint>

namespace mpsup::cache {

/// What the cache keeps of a response beside its bytes. Plain data: it lies in shared memory as it is.
struct Metadata {
    Seconds response_time = 0; // when it was received, by our clock
    Seconds initial_age = 0;   // its age then (corrected_initial_age, section 4.2.3); never negative
    Seconds lifetime = 0;      // freshness lifetime
    Seconds stale_while_revalidate = 0, stale_if_error = 0;
    Seconds date = 0;           // of its Date field
    Seconds last_modified = -1; // of Last-Modified; -1: none, or none that is a date
    std::uint16_t status = 200;
    bool must_revalidate = false; // once stale: must-revalidate, proxy-revalidate, or s-maxage (section 5.2.2.10)
    bool always_validate = false; // no-cache
    bool has_lifetime = false;    // it was given explicitly, by the response or by the route
    std::uint8_t reserved[3] = {};

    /// How old it is at `now`. When the clock was set back by more than a minute nobody knows, so it is old.
    [[nodiscard]] Seconds age(Seconds now) const noexcept;
    /// Seconds that it stays fresh; negative: it has been stale for so long.
    [[nodiscard]] Seconds ttl(Seconds now) const noexcept { return lifetime - age(now); }
    [[nodiscard]] bool is_fresh(Seconds now) const noexcept { return ttl(now) > 0; }
};

/// When a request was sent to the origin, and when the head of its response had arrived.
struct Times {
    Seconds request = 0;
    Seconds response = 0;
};

/// The Age of a response: 0 without the field. Anything but one number of it makes the response as old as can be: whoever
/// sends that cannot be trusted to be fresh (stricter than section 5.1, which takes the first of several).
[[nodiscard]] Seconds age_value(Fields fields) noexcept;

/// Lifetime: s-maxage, max-age, Expires minus Date, the route's default; an Expires that is no date is in the past (section
/// 5.3). No heuristics.
[[nodiscard]] Metadata freshness(int status, Fields fields, const ResponseDirectives& said, const Rule& rule,
                                 const Times& times) noexcept;

} // namespace mpsup::cache
