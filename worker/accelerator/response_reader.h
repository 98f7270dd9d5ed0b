// The client's side of one HTTP/1.1 connection to an upstream, without the socket.
#pragma once

#include "worker/accelerator/response_parser.h"
#include "worker/http/body_decoder.h"
#include "worker/http/input_buffer.h"

#include <span>
#include <string_view>

namespace mpsup::accelerator {

/// The driver calls start() for each request and asks next() until it says `end`, `upgraded` or `failed`:
///
///   need_input  read into input_space() and say received(), at end of file received_end()
///   interim     a 103: head() has its fields, good until the next call
///   head        the final head, good until start()
///   piece       piece() holds content, good until the next call of input_space()
///   end         the response is whole
///   upgraded    after the head of a 101: what follows is no HTTP; unread() has what is here of it
///   failed      problem() says why. What was delivered so far is no whole response.
///
/// Not thread-safe; reads no clock and no socket.
class ResponseReader {
public:
    enum class Event { need_input, interim, head, piece, end, upgraded, failed };

    explicit ResponseReader(const ResponseLimits& limits = {}) noexcept;

    /// Forgets the response before. Bytes that are here already belong to nobody: such a connection is not reusable().
    void start(Expectation expectation) noexcept;

    [[nodiscard]] Event next();

    /// Room for at least one byte.
    [[nodiscard]] std::span<char> input_space() { return buffer_.space(); }
    void received(std::size_t count) noexcept;
    void received_end() noexcept { ended_ = true; }

    [[nodiscard]] const UpstreamHead& head() const noexcept { return head_; }
    [[nodiscard]] std::string_view piece() const noexcept { return piece_; }
    [[nodiscard]] const char* problem() const noexcept { return problem_; }
    /// Has a byte come since start()? If not, the upstream may never have seen the request.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] std::string_view unread() const noexcept { return buffer_.unread(); }
    void consume_unread(std::size_t count) noexcept { buffer_.consume(count); }
    /// After `end`: another request may be sent, for nothing is left over and both sides want to go on.
    [[nodiscard]] bool reusable() const noexcept;

private:
    enum class Phase { head, announced, content, until_close, done, raw, failed };

    [[nodiscard]] Event fail(const char* problem) noexcept;
    [[nodiscard]] Event read_head();
    [[nodiscard]] std::size_t content_room(std::string_view here) const noexcept;
    [[nodiscard]] Event begin_content();
    [[nodiscard]] Event read_content();
    [[nodiscard]] Event read_until_close();

    ResponseLimits limits_;
    http::Limits content_limits_;
    http::InputBuffer buffer_;
    ResponseParser parser_;
    http::BodyDecoder decoder_;
    Expectation expectation_;
    UpstreamHead head_;
    std::string_view piece_;
    const char* problem_ = nullptr;
    Phase phase_ = Phase::done;
    int interim_ = 0;
    bool pinned_ = false;
    bool begun_ = false;
    bool ended_ = false;
};

} // namespace mpsup::accelerator
