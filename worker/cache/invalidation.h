// What the success of an unsafe request makes out of date (RFC 9111 section 4.4).
#pragma once

#include "worker/cache/cache_request.h"

#include <vector>

namespace mpsup::cache {

/// Keys to be erased, all variants of each: the URL of the request, and Location and Content-Location if they are of the same
/// origin. Empty when `status` is no success or redirection (2xx, 3xx) or the method is safe.
[[nodiscard]] std::vector<CacheKey> invalidated(const CacheRequest& request, int status, Fields response);

/// A reference of a response, made absolute (RFC 3986 section 5.2). Empty for another scheme than http and https.
[[nodiscard]] CacheKey resolve(const CacheKey& base, std::string_view reference);

} // namespace mpsup::cache
