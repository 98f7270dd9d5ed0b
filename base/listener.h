// Making the sockets that clients connect to.
#pragma once

#include "base/address.h"
#include "base/error.h"
#include "base/fd.h"

#include <optional>
#include <span>
#include <string>

namespace mpsup {

enum class Absent { refused, allowed };

/// A bound, listening, non-blocking TCP socket. SO_REUSEADDR is set; SO_REUSEPORT is not: whoever shares it inherits
/// the descriptor. IPv6 sockets are IPV6_V6ONLY. EADDRINUSE and EADDRNOTAVAIL come back in the error's code.
///
/// `beside`: listeners of ours whose addresses overlap with it (127.0.0.1 and 0.0.0.0). Two such sockets can be
/// bound only
/// while both have SO_REUSEPORT (socket(7)), so these have it until this returns. The kernel gives a connection to
/// the one whose address is
/// the more exact.
///
/// `absent`: may the address be none of this machine's (IP_FREEBIND, ip(7))? As soon as it is, it is served.
[[nodiscard]] Result<Fd> listen_tcp(const Address& address, std::span<const int> beside = {},
                                    Absent absent = Absent::refused);

/// A bound, listening, non-blocking unix socket of `type` (SOCK_STREAM or SOCK_SEQPACKET) at `path` with permission
/// bits `mode`. A stale socket file is replaced; whoever calls holds the lock of the folder. ENAMETOOLONG for
/// a path over 107 bytes (unix(7)).
[[nodiscard]] Result<Fd> listen_unix(const std::string& path, int type, unsigned mode);

/// A connected unix socket of `type`, non-blocking when `flags` holds SOCK_NONBLOCK.
[[nodiscard]] Result<Fd> connect_unix(const std::string& path, int type, int flags = 0);

/// Is this descriptor a socket that listens (SO_ACCEPTCONN)?
[[nodiscard]] bool is_listening(int fd);

/// Does anybody listen at `path`? A socket file that its owner left behind is not one.
[[nodiscard]] bool is_taken(const std::string& path);

/// The socket file at which a unix stream socket listens (getsockname(2)); nothing for any other descriptor.
[[nodiscard]] std::optional<std::string> listening_path(int fd);

/// Where a TCP socket listens (getsockname(2)); nothing for any other descriptor.
[[nodiscard]] std::optional<Address> listening_address(int fd);

} // namespace mpsup
