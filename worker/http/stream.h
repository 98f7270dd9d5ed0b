// The bytes of one connection, both ways, plain or TLS.
#pragma once

#include "worker/http/socket_io.h"
#include "worker/http/task.h"
#include "worker/http/tls_stream.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <sys/types.h>

namespace mpsup::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Executor>;

/// The functions make one attempt each and never wait, as in socket_io.h.
class Stream {
public:
    explicit Stream(Socket connected) noexcept : socket_(std::move(connected)) {}

    /// To wait on, and of a plain stream to read from.
    [[nodiscard]] Socket& socket() noexcept { return socket_; }
    [[nodiscard]] int fd() noexcept { return socket_.native_handle(); }

    /// From now on it is TLS, which begins with handshake() until that says progress.
    void secure(TlsConnection connection) { tls_ = std::make_unique<TlsStream>(std::move(connection), fd()); }
    [[nodiscard]] bool is_secure() const noexcept { return tls_ != nullptr; }
    [[nodiscard]] IoStatus handshake() noexcept { return tls_->handshake(); }

    [[nodiscard]] IoResult receive(std::span<char> space) noexcept {
        return tls_ ? tls_->receive(space) : http::receive(fd(), space);
    }
    [[nodiscard]] IoResult send(std::span<const std::string_view> texts, bool more_follows) {
        return tls_ ? tls_->send(texts, more_follows) : send_texts(fd(), texts, more_follows);
    }
    [[nodiscard]] IoResult send_file(int file, off_t& offset, std::uint64_t limit) {
        return tls_ ? tls_->send_file(file, offset, limit) : send_file_part(fd(), file, offset, limit);
    }
    /// Has all that was sent left this process?
    [[nodiscard]] IoStatus flush() noexcept { return tls_ ? tls_->flush() : IoStatus::progress; }
    /// After a receive() or handshake() that was blocked: what to wait for.
    [[nodiscard]] Socket::wait_type wait_type() const noexcept {
        return tls_ && tls_->wants_write() ? Socket::wait_write : Socket::wait_read;
    }

    /// Gives memory back while nothing is under way.
    void rest() noexcept {
        if (tls_) tls_->rest();
    }
    /// Nothing more will be sent.
    void end() noexcept;
    /// Closing sends a reset.
    void make_reset() noexcept;

private:
    Socket socket_;
    std::unique_ptr<TlsStream> tls_;
};

} // namespace mpsup::http
