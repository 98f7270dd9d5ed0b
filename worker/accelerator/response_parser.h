// Turns the bytes of one response head of an upstream into a ResponseHead, or refuses them.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/request.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mpsup::accelerator {

/// How much an upstream may send before its content.
struct ResponseLimits {
    std::size_t head = 64 * 1024; // status line and fields of one response, trailers included
    std::size_t fields = 100;
    int interim = 8; // 1xx responses before the final one
};

/// What the application asked of the connection: decides where its response ends (RFC 9112 section 6.3).
struct Expectation {
    bool is_head = false; // the method was HEAD: no content, whatever the head says
    bool upgrade = false; // 101 was asked for
};

/// How the end of the content is found.
enum class ContentEnd { none, length, chunked, until_close };

/// All views point into the bytes given to build().
struct UpstreamHead {
    int status = 0;
    int minor_version = 1;
    std::vector<http::Field> fields;
    ContentEnd end = ContentEnd::none;
    std::uint64_t content_length = 0; // for ContentEnd::length
    bool has_length = false;          // there was a Content-Length, also of content that is not sent
    bool keep_alive = false;          // another request may follow on this connection

    /// The value of the first field of that name (any case), or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
};

/// Incremental, as http::RequestParser: fed again with the same bytes and more behind them until the head is complete.
/// Stricter than RFC 9112 wherever two readers could disagree about where a response ends:
///   lines end with CRLF only; CR, LF and NUL nowhere else; no empty line before the status line, no line folding
///   HTTP/1.0 or HTTP/1.1, three digits from 100 to 599, the reason may be missing with or without its space
///   Content-Length: one line of 1 to 18 digits; Transfer-Encoding: one line "chunked" and HTTP/1.1; never both
///   1xx: 100 and 103, and 101 when it was asked for
/// Content-Length and Transfer-Encoding of 1xx and 204 are judged as above, and then mean nothing.
/// Owned by one connection; its memory is used again.
class ResponseParser {
public:
    enum class Status { incomplete, complete, refused };

    explicit ResponseParser(const ResponseLimits& limits) noexcept : limits_(limits) {}

    void reset(Expectation expectation) noexcept;

    /// `bytes` starts at the first byte of the response and holds what was given before, unchanged.
    [[nodiscard]] Status parse(std::string_view bytes);

    /// After `complete`.
    [[nodiscard]] std::size_t head_size() const noexcept { return line_start_; }
    [[nodiscard]] std::size_t field_count() const noexcept { return fields_.size(); }
    [[nodiscard]] int status() const noexcept { return status_; }
    /// After `complete`: fills `head` with views into `bytes`, which hold the same head, maybe at another address.
    void build(std::string_view bytes, UpstreamHead& head) const;

    /// After `refused`: a constant text for logs.
    [[nodiscard]] const char* problem() const noexcept { return problem_; }

private:
    struct Part {
        std::uint32_t start = 0;
        std::uint32_t size = 0;
    };
    struct RawField {
        Part name, value;
    };

    [[nodiscard]] Status refuse(const char* problem) noexcept;
    [[nodiscard]] Status read_line(std::string_view bytes, std::size_t size);
    [[nodiscard]] Status read_status_line(std::string_view line);
    [[nodiscard]] Status read_field(std::string_view bytes, std::string_view line);
    [[nodiscard]] Status read_special(std::string_view name, std::string_view value);
    [[nodiscard]] Status read_length(std::string_view value);
    [[nodiscard]] Status finish();
    [[nodiscard]] ContentEnd content_end() const noexcept;

    ResponseLimits limits_;
    Expectation expectation_;
    const char* problem_ = nullptr;
    std::size_t line_start_ = 0; // of the line being read
    std::size_t scanned_ = 0;    // no LF between the start of the line and this
    int status_ = 0;             // 0: the status line has not been read
    int minor_version_ = 1;
    bool has_length_ = false, has_coding_ = false, wants_close_ = false, wants_keep_alive_ = false;
    bool upgrades_ = false;
    std::uint64_t content_length_ = 0;
    std::vector<RawField> fields_;
};

} // namespace mpsup::accelerator
