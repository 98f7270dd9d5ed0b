// An EventServer on a thread of its own, and clients that connect to it.
#pragma once

#include "worker/contract/scoreboard.h"
#include "worker/http/event_server.h"
#include "worker/http/exchange.h"

#include <map>
#include <string>
#include <string_view>
#include <thread>

namespace mpsup::http {

/// One TCP connection, blocking; no wait lasts longer than ten seconds.
class TestClient {
public:
    explicit TestClient(std::uint16_t port);

    TestClient& send(std::string_view bytes);
    /// As much as the kernel takes at once.
    std::size_t try_send(std::string_view bytes);
    void stop_sending();
    void hang_up() { socket_.reset(); }
    /// Until `end` has come, or the connection ends. What comes after it is kept for the next call.
    std::string read_until(std::string_view end);
    /// Until the connection ends; "[reset]" behind it when it was reset.
    std::string read_all();
    /// At most `size` bytes, one call.
    std::string read_some(std::size_t size);
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    bool receive();
    Fd socket_;
    std::string received_;
    bool reset_ = false;
};

/// Answers "later", by path, with a function; without one for the path: 200 at once.
class TestHandler : public Handler {
public:
    using Serve = Task<> (*)(Exchange&);
    explicit TestHandler(std::map<std::string, Serve, std::less<>> paths) : paths_(std::move(paths)) {}

    Verdict begin(const Request& request, const Client& client, LogNotes& notes, Reply& reply) override;
    Task<> serve(Exchange& exchange) override { return paths_.find(exchange.request().path)->second(exchange); }

private:
    std::map<std::string, Serve, std::less<>> paths_;
};

/// A listener on a port that the kernel chooses.
[[nodiscard]] Fd listen_anywhere(std::uint16_t& port);

class TestServer {
public:
    using Prepare = std::function<void(EventServer&)>; // before it runs
    /// A thread for each handler.
    TestServer(std::span<Handler* const> handlers, const EventServer::Options& options, ListenerOptions listener = {},
               const Prepare& prepare = {});
    TestServer(Handler* handler, const EventServer::Options& options, ListenerOptions listener = {},
               const Prepare& prepare = {})
        : TestServer(std::span<Handler* const>(&handler, 1), options, std::move(listener), prepare) {}
    ~TestServer() { stop(); }

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] TestClient connect() const { return TestClient(port_); }
    /// That are open.
    [[nodiscard]] std::size_t connections() const { return server_->connections(); }
    /// In the thread of the loop.
    void post(std::function<void()> work) { server_->post(std::move(work)); }
    void drain(std::chrono::milliseconds grace);
    /// Waits until run() has returned, and closes what is open.
    void wait();
    /// Drains without any grace, and waits.
    void stop();
    /// The access log so far; after stop() all of it.
    [[nodiscard]] std::string log() const;
    /// Waits for `text` in the log.
    [[nodiscard]] bool logs(std::string_view text) const;

private:
    std::uint16_t port_ = 0;
    Fd log_file_;
    contract::ScoreboardWriter scoreboard_;
    std::unique_ptr<EventServer> server_;
    std::thread thread_;
};

} // namespace mpsup::http
