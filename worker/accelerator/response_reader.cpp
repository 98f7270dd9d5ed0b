#include "worker/accelerator/response_reader.h"

#include <algorithm>
#include <limits>

namespace mpsup::accelerator {

namespace {

constexpr std::size_t usual_response = 16384; // most fit, and are read in one go

http::Limits content_limits(const ResponseLimits& limits) noexcept {
    http::Limits result;
    result.head = limits.head;
    result.fields = limits.fields;
    result.body = std::numeric_limits<std::uint64_t>::max();
    return result;
}

http::Framing framing(ContentEnd end) noexcept {
    switch (end) {
    case ContentEnd::length: return http::Framing::length;
    case ContentEnd::chunked: return http::Framing::chunked;
    case ContentEnd::none:
    case ContentEnd::until_close: break;
    }
    return http::Framing::none;
}

} // namespace

ResponseReader::ResponseReader(const ResponseLimits& limits) noexcept
    : limits_(limits),
      content_limits_(content_limits(limits)),
      buffer_(usual_response),
      parser_(limits),
      decoder_(content_limits_) {}

void ResponseReader::start(Expectation expectation) noexcept {
    if (pinned_) buffer_.unpin();
    pinned_ = false;
    expectation_ = expectation;
    parser_.reset(expectation);
    problem_ = nullptr;
    phase_ = Phase::head;
    interim_ = 0;
    begun_ = false;
}

void ResponseReader::received(std::size_t count) noexcept {
    begun_ = true;
    buffer_.added(count);
}

ResponseReader::Event ResponseReader::fail(const char* problem) noexcept {
    problem_ = problem;
    phase_ = Phase::failed;
    return Event::failed;
}

ResponseReader::Event ResponseReader::next() {
    switch (phase_) {
    case Phase::head: return read_head();
    case Phase::announced: return begin_content();
    case Phase::content: return read_content();
    case Phase::until_close: return read_until_close();
    case Phase::done: return Event::end;
    case Phase::raw: return Event::upgraded;
    case Phase::failed: break;
    }
    return Event::failed;
}

ResponseReader::Event ResponseReader::read_head() {
    for (;;) {
        const std::string_view bytes = buffer_.unread();
        const auto status = bytes.empty() ? ResponseParser::Status::incomplete : parser_.parse(bytes);
        if (status == ResponseParser::Status::refused) return fail(parser_.problem());
        if (status == ResponseParser::Status::incomplete) {
            if (!ended_) return Event::need_input;
            return fail(begun_ ? "the connection ended inside a head" : "the connection ended before a response");
        }
        const std::size_t size = parser_.head_size();
        if (parser_.status() < 200 && parser_.status() != 101) {
            if (++interim_ > limits_.interim) return fail("too many interim responses");
            parser_.build(bytes, head_);
            buffer_.consume(size);
            parser_.reset(expectation_);
            if (head_.status == 103) return Event::interim;
            continue;
        }
        parser_.build(bytes, head_);
        const char* before = bytes.data();
        const std::string_view head = buffer_.pin(size, content_room(bytes.substr(size)));
        pinned_ = true;
        if (head.data() != before) parser_.build(head, head_);
        phase_ = Phase::announced;
        return Event::head;
    }
}

// Behind the head, for content of which `here` is there already: most responses need no more than came with it.
std::size_t ResponseReader::content_room(std::string_view here) const noexcept {
    std::uint64_t room = http::InputBuffer::body_room;
    if (head_.end == ContentEnd::none) room = here.size();
    if (head_.end == ContentEnd::length)
        room = std::min(room, std::max<std::uint64_t>(head_.content_length, here.size()));
    if (head_.end == ContentEnd::chunked && here.ends_with("0\r\n\r\n")) room = here.size();
    return std::max(static_cast<std::size_t>(room), here.size());
}

ResponseReader::Event ResponseReader::begin_content() {
    if (head_.status == 101) {
        phase_ = Phase::raw;
        return Event::upgraded;
    }
    if (head_.end == ContentEnd::until_close) {
        phase_ = Phase::until_close;
        return read_until_close();
    }
    decoder_.start(framing(head_.end), head_.content_length, parser_.head_size(), parser_.field_count());
    phase_ = Phase::content;
    return read_content();
}

ResponseReader::Event ResponseReader::read_content() {
    const http::BodyDecoder::Step step = decoder_.decode(buffer_.unread());
    buffer_.consume(step.used);
    switch (step.status) {
    case http::BodyDecoder::Status::piece: piece_ = step.piece; return Event::piece;
    case http::BodyDecoder::Status::end: phase_ = Phase::done; return Event::end;
    case http::BodyDecoder::Status::refused: return fail(decoder_.refusal().reason);
    case http::BodyDecoder::Status::more: break;
    }
    return ended_ ? fail("the connection ended inside the content") : Event::need_input;
}

ResponseReader::Event ResponseReader::read_until_close() {
    piece_ = buffer_.unread();
    buffer_.consume(piece_.size());
    if (!piece_.empty()) return Event::piece;
    if (!ended_) return Event::need_input;
    phase_ = Phase::done;
    return Event::end;
}

bool ResponseReader::reusable() const noexcept {
    return phase_ == Phase::done && head_.keep_alive && !ended_ && buffer_.unread().empty();
}

} // namespace mpsup::accelerator
