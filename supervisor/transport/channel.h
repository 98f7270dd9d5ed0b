// One connection, plain or with TLS, for coroutines.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "supervisor/transport/tls.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mpsup {

/// One event loop, one operation at a time. Each has a deadline: std::errc::timed_out. An operation that failed
/// leaves nothing that can be used again.
class Channel {
public:
    using Clock = std::chrono::steady_clock;
    using Deadline = Clock::time_point;
    static constexpr Deadline whenever = Deadline::max();

    explicit Channel(const boost::asio::any_io_executor& executor);
    /// One that was accepted, by TCP or at a unix socket.
    Channel(const boost::asio::any_io_executor& executor, Fd connected);
    /// Closes it; whatever waits ends by and by.
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// A name or a numeric address; of a name all addresses in turn. A peer that is gone is noticed within 15 s
    /// without a word of its kernel's (tcp(7): keep-alive probes, TCP_USER_TIMEOUT). `from`: the numeric address of our own
    /// to come from; empty: the kernel's choice.
    [[nodiscard]] boost::asio::awaitable<Result<>> connect(std::string host, std::uint16_t port, Deadline deadline,
                                                           std::string from = {});
    /// The handshake of either side; everything that follows is inside of it.
    [[nodiscard]] boost::asio::awaitable<Result<>> secure(std::unique_ptr<tls::Session> session, Deadline deadline);
    /// How much came, one byte at least; 0: the peer ended it.
    [[nodiscard]] boost::asio::awaitable<Result<std::size_t>> read(std::span<char> space, Deadline deadline);
    /// All of it.
    [[nodiscard]] boost::asio::awaitable<Result<>> write(std::string_view bytes, Deadline deadline);
    /// What waits, and all that is asked for later, ends with std::errc::operation_canceled.
    void close();
    /// Between two exchanges: it is open, and nothing came that nobody asked for.
    [[nodiscard]] bool is_quiet() const;
    /// Stays the channel's.
    [[nodiscard]] int socket() const;

private:
    struct State; // outlives this while an operation waits
    std::shared_ptr<State> state_;
};

} // namespace mpsup
