// What a stored response is found by (RFC 9111 section 2).
#pragma once

#include "worker/http/request.h"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace mpsup::cache {

/// "https://example.org/path?query": scheme; host in lower case, with its port unless that is the scheme's; path and query
/// as they came, byte for byte (faults: no. 68). Nothing else of a request selects a response but what Vary names: no
/// forwarded host, no method override. So whoever forwards a request to be stored must send this host and no other.
/// Short keys (most) live in the object itself: no memory is allocated for them.
class CacheKey {
public:
    CacheKey() noexcept = default;
    /// `path_and_query` is the rest of the URL as it stands: "/p?q".
    CacheKey(std::string_view scheme, std::string_view authority, std::string_view path, std::string_view query,
             bool has_query);
    [[nodiscard]] static CacheKey of(const http::Request& request, bool tls) {
        return {tls ? "https" : "http", request.authority, request.path, request.query, request.has_query};
    }
    /// From a whole URL, as somebody typed it; an empty key for what is none.
    [[nodiscard]] static CacheKey of_url(std::string_view url);

    [[nodiscard]] std::string_view text() const noexcept {
        return size_ <= short_.size() ? std::string_view(short_.data(), size_) : std::string_view(long_);
    }
    /// "https://example.org"
    [[nodiscard]] std::string_view origin() const noexcept { return text().substr(0, origin_); }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
    std::array<char, 240> short_;
    std::size_t size_ = 0;
    std::size_t origin_ = 0;
    std::string long_;
};

} // namespace mpsup::cache
