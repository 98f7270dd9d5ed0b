// The control API: HTTP and JSON on a unix socket that only the site's own user (and root) may use, and on TCP for
// other supervisors (peer_door.h).
#pragma once

#include "base/fd.h"
#include "supervisor/transport/channel.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mpsup {

struct ControlRequest {
    std::string method; // GET or POST
    std::string path;   // "/v1/status?machines=all"
    std::string body;   // at most 2 MiB
};

/// Where an answer goes. Exactly one of reply() or any number of line()s. On the event loop.
class ControlAnswer {
public:
    using Taken = boost::asio::awaitable<bool>;
    virtual ~ControlAnswer() = default;
    /// The whole answer at once: a JSON document.
    virtual void reply(int status, std::string json) = 0;
    /// One line of a streamed answer (application/x-ndjson), sent at once. A client that is gone or does not read
    /// is dropped; what is being done goes on.
    virtual void line(std::string json) = 0;
    /// Waits until there is room for more lines, so that none is lost; false: the client is gone.
    [[nodiscard]] virtual Taken taken() = 0;
    /// Has the client been sent all lines so far?
    [[nodiscard]] virtual bool is_sent() const = 0;
    /// Its socket: for a program that takes over this process, and ends the answer with last_of_stream(). Stays the
    /// server's; -1 when the client is gone.
    [[nodiscard]] virtual int socket() const = 0;
};

/// The bytes that end a streamed answer with one more line.
[[nodiscard]] std::string last_of_stream(const std::string& json);

using ControlHandler =
    std::function<boost::asio::awaitable<void>(ControlRequest request, std::shared_ptr<ControlAnswer> answer)>;

/// Where clients come in.
struct ControlDoor {
    Fd listener; // non-blocking SOCK_STREAM: unix or TCP (base/listener.h)
    /// Whoever is on the other end of this socket; who may not be is let go at once. Nothing: our own user, and root.
    std::function<bool(int socket)> admits{};
    /// Before its request is read: a handshake. False: it is refused. Nothing: there is none.
    std::function<boost::asio::awaitable<bool>(Channel& client)> meet{};
    bool only_reads = false; // GET without a body; anything else is answered 405
};

/// Serves until destroyed or stopped. At most 64 clients; a request has 10 s to arrive, a write 10 s to be taken, and
/// ten minutes where the handler waits for it (ControlAnswer::taken).
class ControlServer {
public:
    ControlServer(const boost::asio::any_io_executor& executor, ControlDoor door, ControlHandler handler);
    /// `listener`: a unix socket.
    ControlServer(const boost::asio::any_io_executor& executor, Fd listener, ControlHandler handler);
    ~ControlServer();
    ControlServer(ControlServer&&) noexcept;
    ControlServer& operator=(ControlServer&&) noexcept;

    /// Clients that are being answered.
    [[nodiscard]] int clients() const;
    /// Who came and was not admitted, or refused, so far.
    [[nodiscard]] std::uint64_t turned_away() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace mpsup
