// The gate: turns the bytes of one request head into a Request, or refuses them.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/request.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace mpsup::http {

/// Incremental: fed again with the same bytes and more behind them until the head is complete. Judges line by line, so
/// that a bad line is refused as soon as it has ended, and looks at every byte a bounded number of times however the
/// bytes arrive. How they were cut never changes the outcome. The rules, stricter than RFC 9112 where it allows
/// leniency:
///   lines end with CRLF only; CR and LF nowhere else; one empty line may precede the request line (section 2.2)
///   method SP target SP HTTP/1.0|HTTP/1.1, single spaces (section 3); other versions 505
///   target in origin form, absolute form (http, https) or "*" for OPTIONS; no '#', control or 8-bit octets; no '\' in
///     the path; the authority form (CONNECT) 405
///   TRACE and CONNECT 405, methods that IANA does not list 501
///   field names are tokens, no space before the colon, no line folding (section 5); no control octets in values
///   exactly one valid Host in HTTP/1.1, at most one in 1.0; the absolute form wins over it (section 3.2.2)
///   Content-Length: one line of 1 to 18 digits; Transfer-Encoding: one line "chunked", HTTP/1.1 only; never both
///     (section 6.1, 6.3); another single coding 501
///   Expect: 100-continue only (417)
/// Owned by one connection; buffers are reused from request to request. Allocates only when a request has more fields
/// than any before it.
class RequestParser {
public:
    enum class Status { incomplete, complete, refused };

    explicit RequestParser(const Limits& limits) noexcept : limits_(limits) {}

    /// Forgets the request before.
    void reset() noexcept;
    /// The same, and gives memory back.
    void rest() noexcept {
        reset();
        std::vector<RawField>().swap(fields_);
    }

    /// `bytes` starts at the first byte of the request and holds what was given before, unchanged. May lie somewhere
    /// else in memory than at the last call.
    [[nodiscard]] Status parse(std::string_view bytes);

    /// After `complete`: bytes of the head, the empty lines included.
    [[nodiscard]] std::size_t head_size() const noexcept { return line_start_; }
    /// After `complete`: field lines seen, the left-out ones included.
    [[nodiscard]] std::size_t field_count() const noexcept { return field_count_; }

    /// After `complete`: fills `request` with views into `bytes`, which hold the same head, maybe at another address.
    void build(std::string_view bytes, Request& request) const;

    /// After `refused`.
    [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }
    /// The request line as far as it was read, for logs; never longer than Limits::line.
    [[nodiscard]] std::string_view request_line(std::string_view bytes) const noexcept;

private:
    // Parts of the head by position, because the buffer may move.
    struct Part {
        std::uint32_t start = 0;
        std::uint32_t size = 0;
    };
    struct RawField {
        Part name, value;
    };

    [[nodiscard]] Status refuse(int status, const char* reason) noexcept;
    [[nodiscard]] Status check_partial(std::string_view bytes);
    [[nodiscard]] Status read_line(std::string_view bytes, std::size_t size);
    [[nodiscard]] Status read_request_line(std::string_view bytes, std::size_t size);
    [[nodiscard]] Status read_target(std::string_view bytes);
    [[nodiscard]] Status read_version(std::string_view version);
    [[nodiscard]] Status read_field(std::string_view bytes, std::size_t size);
    [[nodiscard]] Status read_special(std::string_view name, std::string_view value);
    [[nodiscard]] Status read_length(std::string_view value);
    [[nodiscard]] Status read_coding(std::string_view value);
    [[nodiscard]] Status finish();

    const Limits limits_;
    Refusal refusal_;
    std::size_t line_start_ = 0; // of the line being read
    std::size_t scanned_ = 0;    // no LF between the start of the line and this
    bool blank_seen_ = false;    // the one empty line that may precede the request line
    bool in_fields_ = false;     // the request line is behind us
    std::size_t field_count_ = 0;
    Part line_, method_, target_, host_;
    bool options_ = false, absolute_ = false, has_host_ = false, has_length_ = false, has_coding_ = false;
    bool unknown_coding_ = false, expect_continue_ = false, wants_close_ = false, wants_keep_alive_ = false;
    int minor_version_ = 1;
    std::uint64_t content_length_ = 0;
    std::vector<RawField> fields_;
};

} // namespace mpsup::http
