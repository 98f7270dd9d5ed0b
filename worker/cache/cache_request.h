// What a request means to the cache.
#pragma once

#include "worker/cache/cache_control.h"
#include "worker/cache/cache_key.h"

namespace mpsup::cache {

/// Found out once a request; views point into it.
struct CacheRequest {
    enum class Kind {
        lookup, // GET or HEAD: a stored response may answer it, its response may be stored
        bypass, // goes to the origin; the cache neither answers it nor learns from it
        unsafe, // goes to the origin; when that succeeds, what is stored of its URL is gone (see invalidation.h)
    };
    Kind kind = Kind::bypass;
    const char* reason = ""; // of `bypass`, for Cache-Status: "bypass", "method" or "request"
    CacheKey key;
    bool is_head = false;
    bool is_post = false;           // its response may be stored for later GETs, if it says so (RFC 9110 section 9.3.3)
    bool has_authorization = false; // see storable.h
    bool is_conditional = false;    // If-None-Match or If-Modified-Since
    std::string_view range;         // of a GET; empty: none
    Directives client; // its Cache-Control; or Pragma: no-cache as such, when there is none. Empty when not obeyed
};

/// Bypass: the rule is off; no host; a GET or HEAD that has content ("fat GET", faults no. 68); If-Match and
/// If-Unmodified-Since, which only the origin can judge (RFC 9111 section 4.3.2); Upgrade; Connection that names other
/// fields; safe methods but GET and HEAD.
[[nodiscard]] CacheRequest read_request(const http::Request& request, bool tls, const Rule& rule);

/// Fields of the client that must not go to the origin when its response is meant to be stored, or to validate a stored one:
/// If-None-Match, If-Modified-Since, If-Range. (Range goes to the origin, and the response, a 206, is not stored.)
[[nodiscard]] bool is_client_condition(std::string_view name) noexcept;

} // namespace mpsup::cache
