// Writes response heads and chunk framing.
#pragma once

#include "worker/http/response.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mpsup::http {

/// What the head of a reply must know of the request and the connection.
struct ReplyContext {
    bool is_head = false;    // the method is HEAD
    int minor_version = 1;   // of the request
    bool keep_alive = false; // client and server both want to go on
};

struct WrittenHead {
    BodyFraming framing = BodyFraming::none;
    bool keep_alive = false; // false: the connection ends after this reply, and the head says so
};

enum class HeadProblem {
    none,
    bad_status,      // not 200 to 599
    bad_field_name,  // not a token
    bad_field_value, // holds CR, LF, NUL or another control octet
};

/// What write_head would find wrong.
[[nodiscard]] HeadProblem check_head(const ResponseHead& head) noexcept;

/// Appends status line, fields and the empty line to `out`. Framing is decided here alone: Content-Length,
/// Transfer-Encoding, Connection, Keep-Alive, Upgrade and Trailer among the fields are left out, and Date is added unless
/// it is given. On a problem nothing is appended.
[[nodiscard]] HeadProblem write_head(std::string& out, const ResponseHead& head, const ReplyContext& context,
                                     WrittenHead& written);

/// Appends an interim reply (RFC 9110 section 15.2): 1xx but 101.
[[nodiscard]] HeadProblem write_interim_head(std::string& out, int status, std::span<const Field> fields);

/// Appends the head of 101 (RFC 9110 section 7.8): `protocols` is the field Upgrade.
[[nodiscard]] HeadProblem write_upgrade_head(std::string& out, std::string_view protocols,
                                             std::span<const Field> fields);

/// A whole reply that the engine gives by itself: `page`, HTML, or constant text of the status as content. `allow` (may be
/// empty) becomes the field Allow.
void write_plain_reply(std::string& out, int status, const ReplyContext& context, std::string_view allow = {},
                       std::string_view page = {});

/// The framing before `size` (more than 0) bytes of a chunk: "1f40\r\n". The view lives in `space`.
using ChunkSpace = std::array<char, 18>;
[[nodiscard]] std::string_view chunk_start(ChunkSpace& space, std::uint64_t size) noexcept;
constexpr std::string_view chunk_end = "\r\n";
constexpr std::string_view last_chunk = "0\r\n\r\n";
constexpr std::string_view continue_reply = "HTTP/1.1 100 Continue\r\n\r\n";

} // namespace mpsup::http
