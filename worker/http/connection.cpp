#include "worker/http/connection.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mpsup::http {

namespace {

constexpr std::string_view server_allow = "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH";
constexpr std::size_t kept_output = 4096;

} // namespace

Connection::Connection(const Options& options, TimePoint now)
    : options_(options),
      parser_(options.limits),
      decoder_(options.limits),
      head_start_(now),
      body_start_(now),
      progress_(now),
      linger_start_(now) {}

Connection::Event Connection::next(TimePoint now) {
    switch (phase_) {
    case Phase::head: return read_head(now);
    case Phase::body: return read_body(now);
    case Phase::answer: return Event::body_end;
    case Phase::reply: return Event::replied;
    case Phase::lingering:
        if (expired_ || input_ended_ || lingered_ >= options_.limits.linger) {
            phase_ = Phase::closed;
            return Event::close;
        }
        return std::exchange(linger_announced_, true) ? Event::need_input : Event::linger;
    case Phase::upgraded:
    case Phase::closed: break;
    }
    return Event::close;
}

Connection::Event Connection::read_head(TimePoint now) {
    const std::string_view bytes = buffer_.unread();
    if (!bytes.empty()) {
        switch (parser_.parse(bytes)) {
        case RequestParser::Status::complete: return begin_request(now);
        case RequestParser::Status::refused: return own(parser_.refusal(), false, now);
        case RequestParser::Status::incomplete: break;
        }
    }
    if (input_ended_ || expired_) {
        // Some clients send one CRLF too much after a body: that is no request.
        if (bytes.empty() || bytes == "\r\n" || bytes == "\r") {
            phase_ = Phase::closed;
            return Event::close;
        }
        return own(input_ended_ ? Refusal{400, "the client hung up inside a head"} : Refusal{408, "head too slow"},
                   false, now);
    }
    return Event::need_input;
}

Connection::Event Connection::begin_request(TimePoint now) {
    const std::size_t size = parser_.head_size();
    parser_.build(buffer_.unread(), request_); // its framing decides how much room is needed
    const bool has_body = request_.framing != Framing::none;
    const char* before = buffer_.unread().data();
    const std::string_view head = buffer_.pin(size, has_body ? InputBuffer::body_room : 1);
    if (head.data() != before) parser_.build(head, request_);
    decoder_.start(request_.framing, request_.content_length, size, parser_.field_count());
    body_start_ = progress_ = now;
    understood_ = true;
    if (request_.path == "*") return own({204, "OPTIONS *"}, true, now);
    phase_ = Phase::body;
    return Event::head;
}

Connection::Event Connection::read_body(TimePoint now) {
    const BodyDecoder::Step step = decoder_.decode(buffer_.unread());
    buffer_.consume(step.used);
    switch (step.status) {
    case BodyDecoder::Status::piece: piece_ = step.piece; return Event::body;
    case BodyDecoder::Status::end: phase_ = Phase::answer; return Event::body_end;
    case BodyDecoder::Status::refused: return own(decoder_.refusal(), false, now);
    case BodyDecoder::Status::more: break;
    }
    if (input_ended_) return own({400, "the client hung up inside a body"}, false, now);
    if (expired_) return own({408, "body too slow"}, false, now);
    return Event::need_input;
}

// `keep`: an ordinary answer that the engine happens to give; else the connection ends.
Connection::Event Connection::own(Refusal reply, bool keep, TimePoint now) {
    keep_alive_ = keep && may_go_on();
    own_reply_ = reply;
    own_start_ = output_.size();
    write_own_reply({});
    expired_ = false;
    responding_ = true;
    phase_ = Phase::reply;
    progress_ = now;
    return Event::replied;
}

void Connection::write_own_reply(std::string_view page) {
    const int status = own_reply_.status;
    const ReplyContext context{understood_ && request_.method == "HEAD", understood_ ? request_.minor_version : 1,
                               keep_alive_};
    const bool names_methods = status == 204 || status == 405 || status == 501;
    write_plain_reply(output_, status, context, names_methods ? server_allow : std::string_view{}, page);
}

void Connection::dress_own_reply(std::string_view page) {
    assert(phase_ == Phase::reply && output_sent_ <= own_start_);
    output_.resize(own_start_);
    write_own_reply(page);
}

bool Connection::may_go_on() const noexcept {
    const bool more_may_come = !input_ended_ || !buffer_.unread().empty();
    return request_.keep_alive && decoder_.ended() && !draining_ && more_may_come;
}

void Connection::refuse(Refusal refusal, TimePoint now) {
    assert(phase_ == Phase::body || phase_ == Phase::answer);
    static_cast<void>(own(refusal, false, now));
}

std::span<char> Connection::input_space() { return buffer_.space(); }

void Connection::received(std::size_t count, TimePoint now) {
    if (phase_ == Phase::lingering) {
        lingered_ += count;
        return;
    }
    if (phase_ == Phase::head && buffer_.unread().empty()) head_start_ = now;
    buffer_.added(count);
    if (phase_ == Phase::body) progress_ = now;
}

void Connection::received_end() { input_ended_ = true; }

void Connection::expired() { expired_ = true; }

std::optional<TimePoint> Connection::deadline() const {
    const Deadlines& deadlines = options_.deadlines;
    switch (phase_) {
    case Phase::head:
        if (!buffer_.unread().empty() || !used_) return head_start_ + deadlines.head;
        return progress_ + deadlines.idle;
    case Phase::body: {
        if (responding_) return progress_ + deadlines.write_stall;
        // What has come buys time at the lowest rate that is put up with.
        const std::uint64_t rate = std::max<std::uint64_t>(deadlines.body_rate, 1);
        const auto bought = std::chrono::milliseconds(decoder_.delivered() * 1000 / rate);
        return std::min(progress_ + deadlines.body_stall, body_start_ + deadlines.body_stall + bought);
    }
    case Phase::answer:
    case Phase::reply:
        if (responding_) return progress_ + deadlines.write_stall;
        return std::nullopt;
    case Phase::upgraded: return progress_ + deadlines.upgraded;
    case Phase::lingering: return linger_start_ + deadlines.linger;
    case Phase::closed: break;
    }
    return std::nullopt;
}

void Connection::want_body() {
    // RFC 9110 section 10.1.1: not when part of the body is here already.
    if (phase_ == Phase::body && request_.expect_continue && decoder_.delivered() == 0 && buffer_.unread().empty())
        output_ += continue_reply;
    request_.expect_continue = false;
}

void Connection::consume_output(std::size_t count) noexcept {
    output_sent_ += count;
    if (output_sent_ < output_.size()) return;
    output_sent_ = 0;
    output_.clear();
    if (output_.capacity() > kept_output) output_ = std::string();
}

HeadProblem Connection::respond(const ResponseHead& head, BodyFraming& framing, TimePoint now) {
    assert(phase_ == Phase::body || phase_ == Phase::answer);
    const ReplyContext context{request_.method == "HEAD", request_.minor_version, may_go_on()};
    WrittenHead written;
    const HeadProblem problem = write_head(output_, head, context, written);
    if (problem != HeadProblem::none) return problem;
    framing = written.framing;
    keep_alive_ = written.keep_alive;
    responding_ = true;
    phase_ = Phase::answer;
    progress_ = now;
    return problem;
}

HeadProblem Connection::inform(int status, std::span<const Field> fields) {
    if (request_.minor_version == 0) return HeadProblem::none;
    return write_interim_head(output_, status, fields);
}

HeadProblem Connection::upgrade(std::string_view protocols, std::span<const Field> fields, TimePoint now) {
    if (request_.minor_version == 0 || !decoder_.ended()) return HeadProblem::bad_status;
    const HeadProblem problem = write_upgrade_head(output_, protocols, fields);
    if (problem != HeadProblem::none) return problem;
    phase_ = Phase::upgraded;
    progress_ = now;
    return problem;
}

std::size_t Connection::take_raw(std::span<char> space) noexcept {
    const std::size_t count = buffer_.unread().copy(space.data(), space.size());
    buffer_.consume(count);
    return count;
}

void Connection::finish_response(bool whole, TimePoint now) {
    assert(responding_);
    responding_ = false;
    used_ = true;
    // Nothing more can come from a client that asked for the end itself and whose request was read whole.
    const bool client_is_done =
        own_reply_.status < 400 && understood_ && !request_.keep_alive && decoder_.ended() && buffer_.unread().empty();
    own_reply_ = {};
    understood_ = false;
    buffer_.unpin();
    request_.fields.clear();
    if (!whole) {
        must_reset_ = true;
        phase_ = Phase::closed;
    } else if (!keep_alive_) {
        end_connection(!client_is_done, now);
    } else {
        parser_.reset();
        phase_ = Phase::head;
        head_start_ = progress_ = now;
    }
}

void Connection::end_connection(bool gently, TimePoint now) {
    buffer_.consume(buffer_.unread().size());
    linger_start_ = now;
    phase_ = gently && !input_ended_ ? Phase::lingering : Phase::closed;
}

bool Connection::idle() const noexcept { return phase_ == Phase::head && used_ && buffer_.unread().empty(); }

std::optional<TimePoint> Connection::quiet_since() const noexcept {
    if (phase_ != Phase::head || !buffer_.unread().empty()) return std::nullopt;
    return progress_;
}

void Connection::rest() noexcept {
    buffer_.release();
    parser_.rest();
    std::vector<Field>().swap(request_.fields);
    std::string().swap(output_);
    output_sent_ = 0;
}

std::string_view Connection::request_line() const noexcept {
    return understood_ ? request_.line : parser_.request_line(buffer_.unread());
}

} // namespace mpsup::http
