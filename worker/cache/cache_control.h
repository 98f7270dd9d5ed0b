// Cache-Control and its relatives as values (RFC 9111 section 5.2, RFC 9213, RFC 5861).
#pragma once

#include "worker/cache/rule.h"
#include "worker/http/request.h"

#include <optional>
#include <span>
#include <string_view>

namespace mpsup::cache {

using Fields = std::span<const http::Field>;

/// A number of seconds too large for anything: what overflows counts as this (RFC 9111 section 1.2.2).
constexpr Seconds longest = Seconds{1} << 31U;

/// What all lines of one such field say together. Names are compared in any case; unknown directives are ignored. Of a
/// directive that comes twice with an argument the first counts. Lengths of time are quoted or not; one that is no number
/// makes the response stale: it is 0 (section 4.2.1). Views point into the fields.
struct Directives {
    bool present = false; // the field was there, and well-formed if it is a structured field
    bool no_store = false;
    bool no_cache = false; // without field names
    bool is_private = false;
    bool is_public = false;
    bool must_revalidate = false;
    bool proxy_revalidate = false;
    bool must_understand = false;
    bool only_if_cached = false;
    bool max_stale_any = false;      // max-stale without a number
    std::string_view no_cache_names; // no-cache="a, b": these must not be sent without validation
    std::string_view private_names;  // private="a, b": these must not be stored
    std::optional<Seconds> max_age, s_maxage, stale_while_revalidate, stale_if_error, min_fresh, max_stale;
};

[[nodiscard]] Directives parse_cache_control(Fields fields) noexcept;

/// CDN-Cache-Control is a dictionary of structured fields (RFC 9213, RFC 8941): one that is malformed anywhere is as good as
/// absent; of a key that comes twice the last counts; a value of the wrong type is ignored.
[[nodiscard]] Directives parse_cdn_cache_control(Fields fields) noexcept;

/// Surrogate-Control (W3C Edge Architecture): max-age=N[+STALE], no-store; a directive with a target (";name") counts when it
/// is ours.
[[nodiscard]] Directives parse_surrogate_control(Fields fields) noexcept;

/// What a response says to this cache: CDN-Cache-Control if it is there, else Surrogate-Control, else Cache-Control.
/// `is_targeted` (the first two): Expires counts for nothing either (RFC 9213 section 2.2).
struct ResponseDirectives : Directives {
    bool is_targeted = false;
};
[[nodiscard]] ResponseDirectives response_directives(Fields fields) noexcept;

/// Is this name in a list like `private_names`?
[[nodiscard]] bool names_field(std::string_view list, std::string_view name) noexcept;

} // namespace mpsup::cache
