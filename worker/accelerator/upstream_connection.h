// A connection to an upstream, plain or TLS, in one event loop.
#pragma once

#include "base/fd.h"
#include "worker/accelerator/response_reader.h"
#include "worker/accelerator/upstream_address.h"
#include "worker/http/socket_io.h"
#include "worker/http/task.h"

#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace mpsup::accelerator {

/// Made by Upstreams, which watches its deadlines; used by one coroutine at a time, but that one may send_raw while another
/// one waits in receive_raw. Every wait ends at its deadline
/// (errc::timed_out, kept to within Upstreams::tick), by cancel() (errc::operation_canceled), or some eight seconds after the other machine
/// has fallen silent (errc::host_unreachable): it is off, or the link is cut.
class UpstreamConnection {
public:
    explicit UpstreamConnection(boost::asio::io_context& context);
    ~UpstreamConnection();
    UpstreamConnection(const UpstreamConnection&) = delete;
    UpstreamConnection& operator=(const UpstreamConnection&) = delete;

    /// errc::resource_unavailable_try_again: the queue of a unix socket is full.
    [[nodiscard]] http::Task<std::error_code> connect(const UpstreamAddress& address, http::TimePoint deadline);

    /// The handshake, next, where it speaks TLS. errc::protocol_error: it failed, problem() says why.
    [[nodiscard]] http::Task<std::error_code> secure(const UpstreamAddress& address, http::TimePoint deadline);

    /// Sends a request that is no more than this head, and takes what comes first of the answer into reader(). If something
    /// was there before it was sent (bytes, or the end), nothing is sent: errc::not_connected. `sent` is called when it is
    /// sent, before the answer is waited for. Costs no system call more than to send and to receive, but for TLS.
    [[nodiscard]] http::Task<std::error_code>
    ask(std::string_view head, http::TimePoint deadline, std::function<void()> sent = [] {});
    /// Both texts, one after the other. errc::interrupted: the upstream has begun to answer (or hung up) before it took them
    /// all, so read what it says; the connection is not to be used again.
    [[nodiscard]] http::Task<std::error_code> send(std::string_view first, std::string_view second,
                                                   http::TimePoint deadline);
    /// What comes next into reader(), the end of the stream included.
    [[nodiscard]] http::Task<std::error_code> receive(http::TimePoint deadline);
    /// The same for connections that were upgraded, where an answer may come at any time; 0 at the end of the stream.
    [[nodiscard]] http::Task<std::error_code> send_raw(std::string_view bytes, http::TimePoint deadline);
    [[nodiscard]] http::Task<std::expected<std::size_t, std::error_code>> receive_raw(std::span<char> space,
                                                                                      http::TimePoint deadline);
    /// Ends our side; the upstream may go on sending.
    void end_sending() noexcept;

    /// A receive() that waits ends by then; from the loop's thread.
    void hurry(http::TimePoint until) noexcept;
    /// Whatever waits ends now, and later waits at once; from the loop's thread.
    void cancel() noexcept;

    /// What TLS says of why it failed; empty: nothing.
    [[nodiscard]] std::string problem() const;

    [[nodiscard]] ResponseReader& reader() noexcept { return reader_; }
    [[nodiscard]] int descriptor() const noexcept;
    [[nodiscard]] bool is_open() const noexcept { return socket_ != nullptr; }

    void close() noexcept;

    /// For Upstreams: ends the wait in hand if its deadline has passed, or nobody is there any more.
    void expire(http::TimePoint now) noexcept;

private:
    struct Socket;
    struct Wait;

    [[nodiscard]] bool is_silent(http::TimePoint now) noexcept;
    [[nodiscard]] std::error_code adopt(Fd fd, int family);
    [[nodiscard]] http::Task<std::error_code> wait_readable(http::TimePoint deadline);
    [[nodiscard]] http::Task<std::error_code> wait_writable(http::TimePoint deadline);
    [[nodiscard]] http::Task<std::error_code> wait_writable_or_answer(http::TimePoint deadline);
    [[nodiscard]] http::IoResult write(std::string_view first, std::string_view second);
    [[nodiscard]] bool has_answer();
    [[nodiscard]] http::Task<std::error_code> wait_for_tls(http::TimePoint deadline);
    [[nodiscard]] http::Task<std::error_code> ask_by_tls(std::string_view head, http::TimePoint deadline,
                                                         std::function<void()> sent);
    [[nodiscard]] http::Task<std::expected<std::size_t, std::error_code>> receive_by_tls(std::span<char> space,
                                                                                         http::TimePoint deadline);

    boost::asio::io_context& context_;
    std::unique_ptr<Socket> socket_;
    ResponseReader reader_;
    Wait* reading_ = nullptr; // the waits in hand
    Wait* writing_ = nullptr;
    http::TimePoint looked_at_{}; // whether the other machine is silent
    bool cancelled_ = false;
};

} // namespace mpsup::accelerator
