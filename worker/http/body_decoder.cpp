#include "worker/http/body_decoder.h"

#include "worker/http/char_class.h"

#include <algorithm>

namespace mpsup::http {

namespace {
constexpr int max_size_digits = 16;
constexpr std::uint64_t max_chunk = std::uint64_t{1} << 63U;
} // namespace

void BodyDecoder::start(Framing framing, std::uint64_t content_length, std::size_t head_size,
                        std::size_t field_count) noexcept {
    state_ = framing == Framing::none      ? State::done
             : framing == Framing::chunked ? State::size_first
             : content_length == 0         ? State::done
                                           : State::length_data;
    refusal_ = {};
    left_ = framing == Framing::length ? content_length : 0;
    delivered_ = 0;
    head_used_ = head_size;
    field_count_ = field_count;
    line_used_ = extensions_used_ = 0;
    digits_ = 0;
}

bool BodyDecoder::refuse(int status, const char* reason) noexcept {
    refusal_ = {status, reason};
    state_ = State::failed;
    return false;
}

BodyDecoder::Step BodyDecoder::decode(std::string_view bytes) noexcept {
    std::size_t used = 0;
    for (;;) {
        if (state_ == State::done) return {Status::end, used, {}};
        if (state_ == State::failed) return {Status::refused, used, {}};
        if (used == bytes.size()) return {Status::more, used, {}};
        if (state_ == State::data || state_ == State::length_data) {
            const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
            const std::string_view piece = bytes.substr(used, size);
            left_ -= size;
            delivered_ += size;
            if (left_ == 0) state_ = state_ == State::data ? State::data_cr : State::done;
            return {Status::piece, used + size, piece};
        }
        if (take(static_cast<unsigned char>(bytes[used]))) ++used;
    }
}

bool BodyDecoder::take(unsigned char c) noexcept {
    switch (state_) {
    case State::size_first:
    case State::size:
    case State::size_lf: return take_size(c);
    case State::ext_name_first:
    case State::ext_name:
    case State::ext_value_first:
    case State::ext_token:
    case State::ext_quoted:
    case State::ext_escape:
    case State::ext_quoted_end: return take_extension(c);
    case State::data_cr:
        if (c != '\r') return refuse(400, "chunk longer than its size");
        state_ = State::data_lf;
        return true;
    case State::data_lf:
        if (c != '\n') return refuse(400, "bare CR after a chunk");
        state_ = State::size_first;
        return true;
    case State::trailer_first:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
    case State::last_lf: return take_trailer(c);
    case State::length_data:
    case State::data:
    case State::done:
    case State::failed: break;
    }
    return false;
}

bool BodyDecoder::take_size(unsigned char c) noexcept {
    if (state_ == State::size_lf) {
        if (c != '\n') return refuse(400, "bare CR after a chunk size");
        if (left_ > limits_.body - delivered_) return refuse(413, "content too large");
        state_ = left_ == 0 ? State::trailer_first : State::data;
        line_used_ = 0;
        return true;
    }
    const int digit = hex_value(static_cast<char>(c));
    if (state_ == State::size_first) {
        if (digit < 0) return refuse(400, "bad chunk size");
        left_ = 0;
        digits_ = 0;
        line_used_ = 0;
        state_ = State::size;
    }
    if (digit < 0) return end_of_size(c);
    if (++digits_ > max_size_digits) return refuse(400, "chunk size too long");
    left_ = left_ << 4U | static_cast<unsigned>(digit);
    if (left_ >= max_chunk) return refuse(400, "chunk size overflow");
    ++line_used_;
    return true;
}

bool BodyDecoder::end_of_size(unsigned char c) noexcept {
    if (c == '\r') {
        state_ = State::size_lf;
        return true;
    }
    if (c != ';') return refuse(400, "bad chunk size");
    ++line_used_;
    ++extensions_used_;
    state_ = State::ext_name_first;
    return true;
}

bool BodyDecoder::take_extension(unsigned char c) noexcept {
    if (++line_used_ > limits_.chunk_line) return refuse(400, "chunk line too long");
    if (++extensions_used_ > limits_.chunk_extensions) return refuse(400, "too many chunk extensions");
    const bool token = is(static_cast<char>(c), token_char);
    switch (state_) {
    case State::ext_name_first:
        if (!token) return refuse(400, "chunk extension without a name");
        state_ = State::ext_name;
        return true;
    case State::ext_name:
        if (token) return true;
        if (c != '=') return end_of_size(c);
        state_ = State::ext_value_first;
        return true;
    case State::ext_value_first:
        if (c != '"' && !token) return refuse(400, "chunk extension without a value");
        state_ = c == '"' ? State::ext_quoted : State::ext_token;
        return true;
    case State::ext_token: return token || end_of_size(c);
    case State::ext_quoted:
        if (!is(static_cast<char>(c), value_char)) return refuse(400, "control octet in a chunk extension");
        if (c == '"') state_ = State::ext_quoted_end;
        if (c == '\\') state_ = State::ext_escape;
        return true;
    case State::ext_escape:
        if (!is(static_cast<char>(c), value_char)) return refuse(400, "control octet in a chunk extension");
        state_ = State::ext_quoted;
        return true;
    default: return end_of_size(c); // ext_quoted_end
    }
}

bool BodyDecoder::take_trailer(unsigned char c) noexcept {
    if (++head_used_ > limits_.head) return refuse(431, "trailers too large");
    if (++line_used_ > limits_.line + 2) return refuse(431, "trailer line too long");
    switch (state_) {
    case State::trailer_first:
        if (c == '\r') return state_ = State::last_lf, true;
        if (++field_count_ > limits_.fields) return refuse(431, "too many trailers");
        if (!is(static_cast<char>(c), token_char)) return refuse(400, "bad trailer name");
        state_ = State::trailer_name;
        return true;
    case State::trailer_name:
        if (c == ':') return state_ = State::trailer_value, true;
        return is(static_cast<char>(c), token_char) || refuse(400, "bad trailer name");
    case State::trailer_value:
        if (c == '\r') return state_ = State::trailer_lf, true;
        return is(static_cast<char>(c), value_char) || refuse(400, "bad trailer value");
    case State::trailer_lf:
        if (c != '\n') return refuse(400, "bare CR in a trailer");
        line_used_ = 0;
        state_ = State::trailer_first;
        return true;
    default: // last_lf
        if (c != '\n') return refuse(400, "bare CR after the last chunk");
        state_ = State::done;
        return true;
    }
}

} // namespace mpsup::http
