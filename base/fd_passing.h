// Messages with descriptors over a SOCK_SEQPACKET unix socket.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace mpsup {

constexpr std::size_t max_packet_bytes = 65536; // longer ones are refused on both sides
constexpr std::size_t max_packet_fds = 64;

struct Packet {
    std::string bytes;
    std::vector<Fd> fds; // close-on-exec; the receiver owns them
    pid_t sender = -1;   // attested by the kernel (SCM_CREDENTIALS); -1 unless enable_credentials was called
};

/// Asks the kernel to attest the sender of every packet (SO_PASSCRED).
[[nodiscard]] Result<> enable_credentials(int socket);

/// Sends one packet, never blocks: EAGAIN when the peer does not read, EPIPE when it is gone (no SIGPIPE).
/// The descriptors stay the caller's.
[[nodiscard]] Result<> send_packet(int socket, std::string_view bytes, std::span<const int> fds = {});

/// Receives one packet, never blocks: EAGAIN when there is none, ECONNRESET at the end of the stream, EMSGSIZE for
/// one that was cut (too long, or too many descriptors; those that came are closed). A zero-length packet ends the
/// stream too: SOCK_SEQPACKET cannot tell them apart.
[[nodiscard]] Result<Packet> receive_packet(int socket);

} // namespace mpsup
