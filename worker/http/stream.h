// The bytes of one connection, both ways, plain or TLS.
#pragma once

#include "worker/http/socket_io.h"
#include "worker/http/task.h"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <cstdint>
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

    [[nodiscard]] IoResult receive(std::span<char> space) noexcept { return http::receive(fd(), space); }
    [[nodiscard]] IoResult send(std::span<const std::string_view> texts, bool more_follows) noexcept {
        return send_texts(fd(), texts, more_follows);
    }
    [[nodiscard]] IoResult send_file(int file, off_t& offset, std::uint64_t limit) noexcept {
        return send_file_part(fd(), file, offset, limit);
    }
    /// Nothing more will be sent.
    void end() noexcept;
    /// Closing sends a reset.
    void make_reset() noexcept;

private:
    Socket socket_;
};

} // namespace mpsup::http
