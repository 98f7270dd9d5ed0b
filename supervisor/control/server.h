// The control API: HTTP and JSON on a unix socket that only the site's own user (and root) may use.
#pragma once

#include "base/fd.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>

namespace mpsup {

struct ControlRequest {
    std::string method; // GET or POST
    std::string path;   // "/v1/status"
    std::string body;   // at most 2 MiB
};

/// Where an answer goes. Exactly one of reply() or any number of line()s. On the event loop.
class ControlAnswer {
public:
    virtual ~ControlAnswer() = default;
    /// The whole answer at once: a JSON document.
    virtual void reply(int status, std::string json) = 0;
    /// One line of a streamed answer (application/x-ndjson), sent at once. A client that is gone or does not read
    /// is dropped; what is being done goes on.
    virtual void line(std::string json) = 0;
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

/// Serves until destroyed or stopped. At most 64 clients; a request has 10 s to arrive, a write 10 s to be taken.
class ControlServer {
public:
    /// `listener`: non-blocking SOCK_STREAM unix listener (base/listener.h).
    ControlServer(const boost::asio::any_io_executor& executor, Fd listener, ControlHandler handler);
    ~ControlServer();
    ControlServer(ControlServer&&) noexcept;
    ControlServer& operator=(ControlServer&&) noexcept;

    /// Clients that are being answered.
    [[nodiscard]] int clients() const;

private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

} // namespace mpsup
