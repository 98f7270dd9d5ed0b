// The server's side of one HTTP/1.1 connection, without the socket.
#pragma once

#include "worker/http/body_decoder.h"
#include "worker/http/input_buffer.h"
#include "worker/http/limits.h"
#include "worker/http/request.h"
#include "worker/http/request_parser.h"
#include "worker/http/response_writer.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mpsup::http {

/// A driver owns the socket, the Connection owns the protocol. The driver asks next() and obeys:
///
///   need_input   wait for readable until deadline(), read into input_space(), say received(); at end of file
///                received_end(); past the deadline expired(). output(), if any (100 Continue), goes out first.
///   head         request() is complete. Answer at once, or ask next() on for the body (want_body() first when the
///                client waits for 100 Continue).
///   body         body_piece() holds content, good until the next call of next().
///   body_end     the body is whole. The request waits for its answer; next() is not asked before finish_response().
///   replied      the engine has answered by itself (a refusal, OPTIONS *): write output(), then finish_response().
///   linger       every reply is out and the connection ends: shutdown(SHUT_WR), then as need_input. What arrives is
///                thrown away; the client reads its reply instead of a reset.
///   close        close the socket. When must_reset() a reply was cut that would look whole: SO_LINGER 0 first.
///
/// Answering: respond() puts the head into output(); write it and the content as BodyFraming says, calling
/// write_progress() whenever bytes went out; then finish_response(). A reply before the body was read whole ends the
/// connection. Pipelined requests come one after the other, each after the answer to the one before.
///
/// Used from one thread; never reads a clock: `now` is the caller's.
class Connection {
public:
    enum class Event { need_input, head, body, body_end, replied, linger, close };

    struct Options {
        Limits limits;
        Deadlines deadlines;
    };

    /// `options` must outlive the connection. `now`: when it was accepted.
    Connection(const Options& options, TimePoint now);

    /// The client may begin only now, as something else came first: its time for the first head starts anew.
    void begin(TimePoint now) noexcept { head_start_ = progress_ = now; }

    [[nodiscard]] Event next(TimePoint now);

    /// Room for at least one byte. Views of the request stay good, body_piece() does not.
    [[nodiscard]] std::span<char> input_space();
    void received(std::size_t count, TimePoint now);
    void received_end();
    /// deadline() has passed: next() says what follows (a 408, linger or close).
    void expired();
    /// When waiting ends: reading while next() said need_input or linger, writing between respond() and
    /// finish_response() or after `replied`. Nothing while a handler has the request in hand.
    [[nodiscard]] std::optional<TimePoint> deadline() const;

    [[nodiscard]] const Request& request() const noexcept { return request_; }
    [[nodiscard]] std::string_view body_piece() const noexcept { return piece_; }
    /// The body is wanted: 100 Continue goes into output() when the client waits for it.
    void want_body();
    /// Content bytes of the request in hand read so far.
    [[nodiscard]] std::uint64_t body_received() const noexcept { return decoder_.delivered(); }

    /// Bytes to be written before any content; consume_output() as they go out.
    [[nodiscard]] std::string_view output() const noexcept { return std::string_view(output_).substr(output_sent_); }
    void consume_output(std::size_t count) noexcept;

    /// Decides framing and keep-alive and appends the head to output(). On a problem nothing has happened: answer
    /// something else.
    [[nodiscard]] HeadProblem respond(const ResponseHead& head, BodyFraming& framing, TimePoint now);
    /// An interim reply (1xx) into output(), before respond(); nothing for a client of HTTP/1.0, which knows of none.
    [[nodiscard]] HeadProblem inform(int status, std::span<const Field> fields);
    /// Bytes behind the head, as they are: framing of content, which respond() left to the driver.
    void queue(std::string_view bytes) { output_ += bytes; }
    /// 101 into output(); from then on the driver moves raw bytes and next() says close. Not when the request has content
    /// that was not read, nor for HTTP/1.0 (bad_status).
    [[nodiscard]] HeadProblem upgrade(std::string_view protocols, std::span<const Field> fields, TimePoint now);
    /// After upgrade(): moves what had been received already into `space`.
    [[nodiscard]] std::size_t take_raw(std::span<char> space) noexcept;
    /// What the client sent after the request in hand, for whoever takes the connection over.
    [[nodiscard]] std::string_view unread() const noexcept { return buffer_.unread(); }
    /// Gives up on the request in hand with one of the engine's own replies, as a refusal would: next() says replied.
    void refuse(Refusal refusal, TimePoint now);
    /// After `replied`, while nothing of the reply has gone out: a page of the site, HTML, as its content.
    void dress_own_reply(std::string_view page);
    /// What the reply is for; null when its head was not understood.
    [[nodiscard]] const Request* refused_request() const noexcept { return understood_ ? &request_ : nullptr; }
    void write_progress(TimePoint now) noexcept { progress_ = now; }
    /// The reply is out. `whole` false: its content was cut (source failed, file shrank), so the connection ends
    /// without a clean end.
    void finish_response(bool whole, TimePoint now);

    /// From now on every reply says Connection: close. An idle connection keeps its ordinary deadline.
    void drain() noexcept { draining_ = true; }
    /// Between requests, not one byte of a next one here.
    [[nodiscard]] bool idle() const noexcept;
    /// Since when it has been waiting for the first byte of a head; nothing when it is not.
    [[nodiscard]] std::optional<TimePoint> quiet_since() const noexcept;
    /// Gives the memory of its buffers back; only while it is quiet.
    void rest() noexcept;
    /// Status and reason of the engine's own reply, after `replied`.
    [[nodiscard]] Refusal own_reply() const noexcept { return own_reply_; }
    /// The request line for logs, also of a refused request; may be empty or hold anything but LF.
    [[nodiscard]] std::string_view request_line() const noexcept;
    /// Has a request ever been answered here?
    [[nodiscard]] bool used() const noexcept { return used_; }
    [[nodiscard]] bool must_reset() const noexcept { return must_reset_; }

private:
    enum class Phase { head, body, answer, reply, upgraded, lingering, closed };

    [[nodiscard]] Event read_head(TimePoint now);
    [[nodiscard]] Event begin_request(TimePoint now);
    [[nodiscard]] Event read_body(TimePoint now);
    [[nodiscard]] Event own(Refusal reply, bool keep, TimePoint now);
    void write_own_reply(std::string_view page);
    [[nodiscard]] bool may_go_on() const noexcept;
    void end_connection(bool gently, TimePoint now);

    const Options& options_;
    InputBuffer buffer_;
    RequestParser parser_;
    BodyDecoder decoder_;
    Request request_;
    std::string_view piece_;
    std::string output_;
    std::size_t output_sent_ = 0;
    std::size_t own_start_ = 0; // of the engine's own reply in output_

    Phase phase_ = Phase::head;
    bool understood_ = false; // request_ is the request in hand
    bool linger_announced_ = false;
    bool responding_ = false; // between respond() and finish_response()
    bool keep_alive_ = true;  // after the reply in hand
    bool draining_ = false;
    bool input_ended_ = false;
    bool expired_ = false;
    bool used_ = false;
    bool must_reset_ = false;
    std::size_t lingered_ = 0;
    Refusal own_reply_;
    TimePoint head_start_; // first byte of this head; of the connection for its first
    TimePoint body_start_; // when the body began to be read
    TimePoint progress_;   // last byte in (body) or out (reply), or the end of the request before (idle)
    TimePoint linger_start_;
};

} // namespace mpsup::http
