// Serves HTTP from an event loop: one thread, a coroutine a connection.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/http/access_log.h"
#include "worker/http/connection.h"
#include "worker/http/handler.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace mpsup::contract {
class ScoreboardWriter;
}

namespace mpsup::http {

/// Accepts on any number of listeners and answers through one Handler. What a client sends along with a request that is
/// answered at once is thrown away as far as it has arrived; when it has not all arrived the reply ends the connection.
/// When descriptors run out accepting pauses for 50 ms, says so at most once a second, and goes on. Deadlines are kept to
/// within `tick`; the access log is written at the same pace. Whoever is idle for a second costs no buffers any more.
/// Used from one thread, which calls run().
class EventServer {
public:
    struct Options {
        Connection::Options connection;
        std::chrono::milliseconds tick{200};
    };

    /// All three outlive the server. `log` and `scoreboard` may be empty ones.
    EventServer(const Options& options, Handler& handler, AccessLog& log, contract::ScoreboardWriter& scoreboard);
    ~EventServer();
    EventServer(const EventServer&) = delete;
    EventServer& operator=(const EventServer&) = delete;

    /// Accepts on this non-blocking listener from the next turn of the loop on.
    [[nodiscard]] Result<> listen(Fd listener);

    /// Calls `readable` whenever `fd` can be read (or has ended), until it returns false. The descriptor stays the
    /// caller's and outlives the server.
    void watch(int fd, std::function<bool()> readable);

    /// Calls `work` in the thread of the loop, in one of its next turns. From any thread, as long as the server lives.
    void post(std::function<void()> work);

    /// SIGTERM calls this instead of killing the process.
    void on_terminate(std::function<void()> callback);

    /// Accepts nothing more; replies say Connection: close; connections that are idle keep their ordinary deadline. run()
    /// returns when the last has gone, at the latest after `grace`: who is cut then has a line in the log. Again: the earlier end counts.
    void drain(std::chrono::milliseconds grace);

    /// Serves until drained.
    void run();

    [[nodiscard]] std::size_t connections() const noexcept;

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

} // namespace mpsup::http
