// What a handler answers: status and fields. The content travels beside it.
#pragma once

#include "worker/http/request.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mpsup::http {

/// The views are read during the call they are passed to only.
struct ResponseHead {
    int status = 200;
    std::span<const Field> fields;
    /// Bytes of content, when known. For HEAD and 304: of the content that is not sent.
    std::optional<std::uint64_t> length;
    /// Hang up after this reply.
    bool close = false;
};

/// How the content of a reply is to be written (RFC 9112 section 6.3).
enum class BodyFraming {
    none,        // not one byte: HEAD, 1xx, 204, 304
    length,      // exactly the announced bytes
    chunked,     // chunk_start, bytes, chunk_end for each piece; last_chunk at the end
    until_close, // bytes as they are; the end of the connection is the end (HTTP/1.0)
};

/// The standard phrase (RFC 9110 section 15), or "Unknown".
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

} // namespace mpsup::http
