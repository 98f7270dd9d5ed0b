// TLS over one socket, without waiting.
#pragma once

#include "worker/http/socket_io.h"
#include "worker/http/tls_keeper.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace mpsup::http {

/// The functions of socket_io.h, with records between them and the socket. What send() and send_file() report as gone may
/// still lie here until flush() says progress: at most one record. After `blocked` wants_write() says what to wait for.
class TlsStream {
public:
    static constexpr std::size_t record = 16384;

    /// `socket` stays the caller's and outlives the stream.
    TlsStream(TlsConnection connection, int socket) noexcept;

    [[nodiscard]] IoStatus handshake() noexcept;
    [[nodiscard]] IoResult receive(std::span<char> space) noexcept;
    [[nodiscard]] IoResult send(std::span<const std::string_view> texts, bool more_follows);
    [[nodiscard]] IoResult send_file(int file, off_t& offset, std::uint64_t limit);
    [[nodiscard]] IoStatus flush() noexcept;
    [[nodiscard]] bool wants_write() const noexcept { return wants_write_; }
    /// close_notify, as far as the socket takes it.
    void end() noexcept;
    /// After `failed`: why, for people; empty: nothing has failed.
    [[nodiscard]] std::string problem() const;
    /// Gives the memory back that is needed while something is sent; nothing lies here.
    void rest() noexcept;

private:
    [[nodiscard]] IoStatus judge(int result) noexcept;

    TlsConnection connection_;
    std::string staged_; // what is to be sent in the next record
    std::size_t staged_sent_ = 0;
    bool wants_write_ = false;
    bool failed_ = false;
    unsigned long error_ = 0; // OpenSSL's, of what failed; 0: it knows none
};

} // namespace mpsup::http
