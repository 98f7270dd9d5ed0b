// Conditions of both sides, and what their answers do to stored responses (RFC 9111 section 4.3).
#pragma once

#include "worker/cache/cache_request.h"
#include "worker/cache/freshness.h"
#include "worker/http/byte_ranges.h"

#include <string>
#include <vector>

namespace mpsup::cache {

/// What the cache adds to a request to the origin for a stored response: its entity tag and its date, as they were received.
/// Views into the stored fields; empty: there is none. With neither, the request goes without conditions.
struct OriginConditions {
    std::string_view if_none_match, if_modified_since;
};
[[nodiscard]] OriginConditions origin_conditions(std::string_view stored_fields) noexcept;

/// Stored fields brought up to date by those of a 304, or of a 200 to a HEAD (section 3.2): each field of the response takes
/// the place of all stored ones of its name; but what describes the stored content stays (Content-Encoding, Content-Length,
/// Content-MD5, Content-Range, ETag), and what is not stored (storable.h) is not stored now.
struct Freshened {
    std::string fields;
    Metadata metadata;
    bool keep = true; // false: the response forbids storing; once it was used the stored one is to be erased
};
[[nodiscard]] Freshened freshen(std::string_view stored_fields, const Metadata& stored, Fields response,
                                const Rule& rule, const Times& times);

/// Does the response to a HEAD describe the stored one (section 4.3.5)? If not, the stored one is to be dropped.
[[nodiscard]] bool head_agrees(std::string_view stored_fields, std::uint64_t stored_size, Fields response) noexcept;

/// What the client gets of a stored response: 200 (or whatever the status is) whole, 304, 206 with `ranges`, or 416.
struct Selection {
    int status = 200;
    std::vector<http::ByteRange> ranges; // one: Content-Range in the head; more: multipart/byteranges
};
/// If-None-Match by weak comparison, If-Modified-Since when there is none (against Last-Modified, else Date), then Range and
/// If-Range (RFC 9110 section 13.2.2), which apply to a stored 200 and GET only. Allocates for ranges only.
[[nodiscard]] Selection select_for_client(const CacheRequest& request, Fields request_fields,
                                          std::string_view stored_fields, const Metadata& stored, std::uint64_t size);

/// The origin was asked without the client's conditions (CacheRequest), for a copy to keep: is this response to be a 304 to
/// the client? Without Last-Modified its If-Modified-Since means nothing (RFC 9110 section 13.1.3).
[[nodiscard]] bool is_not_modified(const CacheRequest& request, Fields request_fields, int status,
                                   Fields response) noexcept;

} // namespace mpsup::cache
