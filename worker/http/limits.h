// How much a client may send, and how long it may take.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace mpsup::http {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

/// Sizes in bytes. Whatever is over them is refused with the status named.
struct Limits {
    std::size_t head = 32 * 1024;                 // request line, fields and trailers of one request together: 431
    std::size_t line = 8 * 1024;                  // request line (414) or field line (431), its CRLF not counted
    std::size_t fields = 100;                     // field lines and trailer lines together: 431
    std::size_t method = 32;                      // 400
    std::size_t chunk_line = 256;                 // chunk size with its extensions: 400
    std::size_t chunk_extensions = 8 * 1024;      // extensions of one body together: 400
    std::uint64_t body = std::uint64_t{1} << 30U; // content, chunk framing not counted: 413
    std::size_t linger = 64 * 1024;               // read and thrown away after the last reply
};

/// Each is measured on the monotonic clock. The whole head must arrive within `head` of its first byte; a body must
/// not pause for `body_stall`, and on the whole keep up `body_rate` (bytes a second) after a first `body_stall`. The same is
/// asked of who reads a reply, by `write_stall` and `write_rate`.
struct Deadlines {
    std::chrono::milliseconds handshake{10'000}; // PROXY header and TLS, each
    std::chrono::milliseconds head{10'000};
    std::chrono::milliseconds body_stall{10'000};
    std::uint64_t body_rate = 500;
    std::chrono::milliseconds write_stall{30'000}; // the client takes not one byte of the reply
    std::uint64_t write_rate = 500;                // 0: any
    std::chrono::milliseconds idle{15'000};        // kept alive, nothing of a next request
    std::chrono::milliseconds upgraded{3'600'000}; // not one byte either way on an upgraded connection
    std::chrono::milliseconds linger{1'000};       // after the last reply, for the client to hang up

    /// For processes that serve one request at a time: an idle connection leaves earlier.
    [[nodiscard]] static Deadlines heavy() {
        Deadlines deadlines;
        deadlines.idle = std::chrono::milliseconds{5'000};
        return deadlines;
    }
};

/// Why a client's bytes are not accepted. `reason` is a constant text for logs; the client sees the status only.
struct Refusal {
    int status = 0; // 4xx or 5xx; 0: none
    const char* reason = "";

    [[nodiscard]] explicit operator bool() const noexcept { return status != 0; }
};

} // namespace mpsup::http
