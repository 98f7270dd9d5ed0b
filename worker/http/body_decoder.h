// Finds the content of a request among the bytes that frame it.
#pragma once

#include "worker/http/limits.h"
#include "worker/http/request.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mpsup::http {

/// Decodes in place: pieces are views into the bytes given, nothing is copied. Strict (RFC 9112 section 7.1): chunk
/// sizes are 1 to 16 hex digits below 2^63, extensions are ";name", ";name=token" or ";name=\"quoted\"" without white
/// space, every line ends with CRLF. Trailers must be well-formed field lines; they count against the limits of the
/// head and are thrown away. How the bytes were cut never changes the outcome.
class BodyDecoder {
public:
    enum class Status {
        more,    // everything given was used up, the end is yet to come
        piece,   // `piece` holds content; what follows `used` is to be given again
        end,     // the body is over; what follows `used` belongs to the next request
        refused, // see refusal()
    };
    struct Step {
        Status status = Status::more;
        std::size_t used = 0; // of the bytes given, the piece included
        std::string_view piece{};
    };

    explicit BodyDecoder(const Limits& limits) noexcept : limits_(limits) {}

    /// Begins the body of a request whose head took `head_size` bytes and `field_count` lines.
    void start(Framing framing, std::uint64_t content_length, std::size_t head_size, std::size_t field_count) noexcept;

    [[nodiscard]] Step decode(std::string_view bytes) noexcept;

    /// Content bytes delivered so far.
    [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
    [[nodiscard]] bool ended() const noexcept { return state_ == State::done; }
    [[nodiscard]] Refusal refusal() const noexcept { return refusal_; }

private:
    enum class State {
        length_data,
        size_first,
        size,
        size_lf,
        ext_name_first,
        ext_name,
        ext_value_first,
        ext_token,
        ext_quoted,
        ext_escape,
        ext_quoted_end,
        data,
        data_cr,
        data_lf,
        trailer_first,
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
        done,
        failed
    };

    bool refuse(int status, const char* reason) noexcept;
    [[nodiscard]] bool take(unsigned char c) noexcept;
    [[nodiscard]] bool take_size(unsigned char c) noexcept;
    [[nodiscard]] bool take_extension(unsigned char c) noexcept;
    [[nodiscard]] bool take_trailer(unsigned char c) noexcept;
    [[nodiscard]] bool end_of_size(unsigned char c) noexcept;

    const Limits limits_;
    State state_ = State::done;
    Refusal refusal_;
    std::uint64_t left_ = 0;      // of the content (length) or of the chunk in hand
    std::uint64_t delivered_ = 0; // content bytes
    std::size_t head_used_ = 0;   // head and trailer bytes
    std::size_t field_count_ = 0;
    std::size_t line_used_ = 0; // of the chunk size or trailer line in hand
    std::size_t extensions_used_ = 0;
    int digits_ = 0;
};

} // namespace mpsup::http
