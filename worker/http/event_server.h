// Serves HTTP from event loops: a thread for each, a coroutine a connection.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/handler.h"
#include "worker/http/server_options.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>

namespace mpsup::contract {
class ScoreboardWriter;
}

namespace mpsup::http {

/// Accepts on any number of listeners and answers through its handlers, one for each loop; the first loop is run() itself, in
/// the caller's thread. What a client sends along with a request that is answered at once is thrown away as far as it
/// has arrived; when it has not all arrived the reply ends the connection. When connections or descriptors run out, idle
/// ones are closed and accepting pauses for 50 ms, which the log says once a second at most. Deadlines are kept to within
/// `tick`; the access log, in which each request has a line, is written at the same pace. Whoever is idle for a second
/// costs no buffers any more.
///
/// Used from the thread that calls run(), unless said otherwise.
class EventServer {
public:
    using Options = ServerOptions;

    /// The handlers, at least one, and `scoreboard` outlive the server; `access_log` may be empty.
    EventServer(const Options& options, std::span<Handler* const> handlers, Fd access_log,
                contract::ScoreboardWriter& scoreboard);
    EventServer(const Options& options, Handler& handler, Fd access_log, contract::ScoreboardWriter& scoreboard);
    ~EventServer();
    EventServer(const EventServer&) = delete;
    EventServer& operator=(const EventServer&) = delete;

    /// Accepts on this non-blocking listener from the next turn of the loop on.
    [[nodiscard]] Result<> listen(Fd listener, ListenerOptions options = {});

    /// Calls `readable` whenever `fd` can be read (or has ended), until it returns false. The descriptor stays the
    /// caller's and outlives the server.
    void watch(int fd, std::function<bool()> readable);

    /// Calls `work` in the thread of the first loop, in one of its next turns. From any thread, as long as the server lives.
    void post(std::function<void()> work);

    /// SIGTERM calls this instead of killing the process.
    void on_terminate(std::function<void()> callback);

    /// Lines of the access log go to another file from here on.
    void reopen_log(Fd file);

    /// Accepts nothing more; replies say Connection: close; connections that are idle keep their ordinary deadline. run()
    /// returns when the last has gone, at the latest after `grace`: who is cut then has a line in the log. Again: the
    /// earlier end counts.
    void drain(std::chrono::milliseconds grace);

    /// Serves until drained.
    void run();

    /// Of all loops.
    [[nodiscard]] std::size_t connections() const noexcept;
    /// Requests whose answers wait for something, of all loops. From any thread.
    [[nodiscard]] std::uint64_t busy() const noexcept;

private:
    class Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace mpsup::http
