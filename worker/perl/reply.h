// What a request brings to Perl, and where Perl's answer goes. No perl.h here.
#pragma once

#include "worker/http/request.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mpsup::perl {

/// A request that has arrived whole. All views are good while it is served.
struct RequestInput {
    const http::Request& request;
    std::string_view path; // decoded
    std::string_view body; // when it is in memory
    int body_file = -1;    // when it is not: an unlinked file, positioned anywhere; stays the caller's
    std::uint64_t body_size = 0;
    std::string_view remote_address, remote_port; // "127.0.0.1" for a unix socket; an empty port is not known
    std::string_view server_name, server_port;
    bool is_secure = false; // the client speaks TLS with whoever stands before us
};

/// Where an answer goes: written by the application's process to its client. Blocking. None of these throws.
class Reply {
public:
    enum class Started { ok, bad_status, bad_field_name, bad_field_value };

    virtual ~Reply() = default;
    /// Head of the reply. `length`: of the content, when known. Sends nothing yet.
    [[nodiscard]] virtual Started start(int status, std::span<const http::Field> fields,
                                        std::optional<std::uint64_t> length, bool close) = 0;
    /// Content. False: the client is gone, or more was given than announced; what is left to write does not matter.
    virtual bool write(std::string_view bytes) = 0;
    /// What was written is to reach the client, whatever follows.
    virtual bool flush() { return true; }
    /// Content out of a file.
    virtual bool send_file(int fd, std::uint64_t offset, std::uint64_t count) = 0;
    /// An interim reply (1xx but 101), sent at once; nothing to a client of HTTP/1.0.
    [[nodiscard]] virtual Started inform(int status, std::span<const http::Field> fields) = 0;

    /// The client's connection for the application's own use, blocking from here on; it is not used again afterwards.
    struct Connection {
        int fd = -1;             // stays the reply's
        std::string_view unread; // bytes of the client that came after its request
    };
    [[nodiscard]] virtual Connection take_connection() = 0;
};

} // namespace mpsup::perl
