// May a response be stored (RFC 9111 section 3)?
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/freshness.h"

#include <optional>
#include <string>
#include <vector>

namespace mpsup::cache {

/// What to do with a response whose head has arrived.
struct Storing {
    bool store = false;
    /// Why not: a constant word for Cache-Status and logs, like "private", "set-cookie", "vary", "status".
    const char* reason = "";
    Metadata metadata; // of a response to be stored
    bool keep_set_cookie = false;
};

/// A shared cache stores the response to a GET, or to a POST whose Content-Location is the URL itself and that has an explicit
/// lifetime (RFC 9110 section 9.3.3), when
/// - its status is final and not 206 or 304; with must-understand (which overrides no-store) one that we know (section 3);
/// - neither no-store (of either side) nor private without names, nor a Vary that no request can match (vary.h);
/// - the request had no Authorization, or the response is public, must-revalidate or has s-maxage (section 3.5);
/// - it sets no cookie, or is public or has s-maxage (faults no. 69); the URL's looks count for nothing;
/// - somebody said that it may be kept: a lifetime (of its own or the route's), public, no-cache or must-revalidate. A validator
///   alone says nothing: many applications give the pages of all their users the same one;
/// - it can ever be used: it is fresh, or may be sent stale, or has a validator.
/// Whether all of it arrives is for the writer to see: it commits whole responses only (section 3.3).
[[nodiscard]] Storing judge_response(const CacheRequest& request, int status, Fields fields, const Rule& rule,
                                     const Times& times) noexcept;

/// Is this field of a response left out when it is stored? Hop-by-hop ones, those that Connection names, Proxy-Authenticate,
/// Proxy-Authentication-Info, Proxy-Authorization (section 3.1), fields that no-cache="…" or private="…" name, Age,
/// Content-Length, Cache-Status (of caches that a hit does not pass), and the tags.
class FieldFilter {
public:
    FieldFilter(Fields fields, bool keep_set_cookie) noexcept;
    [[nodiscard]] bool keeps(std::string_view name) const noexcept;

private:
    Fields fields_;
    std::string_view no_cache_names_, private_names_;
    bool has_connection_ = false;
    bool keep_set_cookie_;
};

/// What is stored of a head: "Name: value\r\n" for each field that stays, ready to be sent. Date is added when it is missing
/// (RFC 9110 section 6.6.1). Fields that no reply may hold (bad names or octets) are left out.
[[nodiscard]] std::string stored_fields(Fields fields, bool keep_set_cookie, Seconds now);

/// The other way: views into the text, in order.
void split_fields(std::string_view text, std::vector<http::Field>& out);
/// The value of the first field of that name in it.
[[nodiscard]] std::optional<std::string_view> find_field(std::string_view text, std::string_view name) noexcept;

/// Cache-Tag, Surrogate-Key: of whoever keeps the response, and nobody else's.
[[nodiscard]] bool is_tag_field(std::string_view name) noexcept;

/// Tags by which the response can be purged: Cache-Tag (by commas) and Surrogate-Key (by spaces), one a line, at most 64 and
/// 4 KiB together.
[[nodiscard]] std::string tags_of(Fields fields);

} // namespace mpsup::cache
