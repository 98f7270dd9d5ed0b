// The system calls of an event-loop worker on its sockets: one attempt each, never waiting.
#pragma once

#include "base/fd.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/types.h>

namespace mpsup::http {

struct Accepted {
    Fd socket; // non-blocking, TCP_NODELAY; empty when there is none
    sockaddr_storage from{};
    int error = 0; // why there is none: EAGAIN, or what accept(2) says
};

/// The next connection of a listener. Troubles of the client that hung up in the queue are passed over.
[[nodiscard]] Accepted accept_connection(int listener) noexcept;

/// The kernel takes so much at a time that its client has not been sent yet (TCP_NOTSENT_LOWAT), instead of megabytes: a thousand
/// clients that hardly read would cost as much memory, and the loop the time to fill it.
void limit_unsent(int socket) noexcept;

/// Does accept's `error` mean that this process or machine has run out of something?
[[nodiscard]] bool out_of_resources(int error) noexcept;

/// The address without port; empty for a unix socket.
[[nodiscard]] std::string remote_text(const sockaddr_storage& address);
/// 0 for a unix socket.
[[nodiscard]] std::uint16_t port_of(const sockaddr_storage& address) noexcept;

enum class IoStatus {
    progress, // `count` bytes went out
    blocked,  // wait for writable
    ended,    // the file is shorter than was promised, or nothing more will come
    failed,   // the connection is gone
};

struct IoResult {
    IoStatus status = IoStatus::failed;
    std::size_t count = 0;
};

/// At most three texts, one after the other. `more_follows`: what comes next belongs into the same segment (MSG_MORE).
constexpr std::size_t max_texts = 3;
[[nodiscard]] IoResult send_texts(int socket, std::span<const std::string_view> texts, bool more_follows) noexcept;
[[nodiscard]] inline IoResult send_texts(int socket, std::string_view first, std::string_view second,
                                         bool more_follows) noexcept {
    const std::string_view texts[] = {first, second};
    return send_texts(socket, texts, more_follows);
}

/// What has arrived, into `space`; `ended` at the end of the stream.
[[nodiscard]] IoResult receive(int socket, std::span<char> space) noexcept;

/// At most `limit` bytes of a regular file from `offset` on, which moves (sendfile(2)).
[[nodiscard]] IoResult send_file_part(int socket, int file, off_t& offset, std::uint64_t limit) noexcept;

/// Reads `size` bytes of a regular file from `offset` into `text`; false, with what there was, when it is shorter.
[[nodiscard]] bool read_part(int file, std::uint64_t offset, std::size_t size, std::string& text);

/// Of a TCP connection: while nothing is under way on it the kernel asks the other machine now and then whether it is there, and a
/// connection whose other side says nothing any more fails some eight seconds later with ETIMEDOUT.
void watch_for_silence(int socket) noexcept;

/// Of a TCP connection: what was sent last was repeated, for some seven seconds, and nobody has acknowledged it. Of who is there and
/// takes nothing (its window is closed) this is never so.
[[nodiscard]] bool has_fallen_silent(int socket) noexcept;

/// Of what was sent, how much has not reached the other side yet; 0 where that cannot be told.
[[nodiscard]] std::uint64_t unacknowledged(int socket) noexcept;

} // namespace mpsup::http
