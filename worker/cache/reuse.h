// May a stored response answer a request (RFC 9111 section 4)?
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/freshness.h"

namespace mpsup::cache {

struct Reuse {
    enum class Verdict {
        fresh,    // send it
        stale,    // send it, and then validate it in the background (stale-while-revalidate)
        tolerate, // send it: it is stale, and the client said that it does not mind (max-stale)
        validate, // ask the origin first, with the conditions of validation.h
        miss,     // nothing is stored that is for this request
        refuse,   // answer 504: only-if-cached, and nothing that would do (section 5.2.1.7)
    };
    Verdict verdict = Verdict::miss;
    /// Whether it may be sent all the same when the origin cannot be reached or answers 500, 502, 503 or 504 (stale-if-error;
    /// a fresh one that only the client wanted validated may). Also while the pool is overloaded.
    bool stale_if_error = false;
    Seconds age = 0; // for the field Age
    Seconds ttl = 0; // for Cache-Status; negative when stale
};

/// `stored`: the response that was found, or null.
[[nodiscard]] Reuse decide_reuse(const CacheRequest& request, const Metadata* stored, Seconds now) noexcept;

/// Statuses that count as an error of the origin for stale-if-error (RFC 5861 section 4).
[[nodiscard]] bool is_origin_error(int status) noexcept;

} // namespace mpsup::cache
