// An upstream that says what a test wants it to say.
#pragma once

#include "base/fd.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mpsup::accelerator {

/// One connection, from the upstream's side; blocking, no wait is longer than ten seconds.
class Conversation {
public:
    explicit Conversation(Fd socket) : socket_(std::move(socket)) {}

    /// The next request with its content; empty: the other side has hung up.
    std::string read_request();
    Conversation& send(std::string_view bytes);
    /// False: nobody reads any more.
    bool try_send(std::string_view bytes);
    /// Until the other side hangs up.
    std::string read_all();
    void hang_up() { socket_.reset(); }
    void reset();

private:
    bool receive();
    Fd socket_;
    std::string received_;
};

/// Listens on a TCP port or a unix socket of its own; a thread for each connection, which `script` holds.
class FakeUpstream {
public:
    using Script = std::function<void(Conversation&)>;

    explicit FakeUpstream(Script script) : FakeUpstream(std::string(), std::move(script)) {}
    /// `path` of a unix socket; empty: TCP.
    FakeUpstream(const std::string& path, Script script);
    ~FakeUpstream() { stop(); }

    [[nodiscard]] const std::string& address() const { return address_; }
    [[nodiscard]] int connections() const { return connections_; }
    /// Requests so far, heads and contents.
    [[nodiscard]] std::vector<std::string> requests();
    [[nodiscard]] std::string last_request() { return requests().empty() ? std::string() : requests().back(); }
    void note(const std::string& request);
    /// Accepts nothing more; connections are refused.
    void stop();

private:
    void accept_all();

    Script script_;
    Fd listener_;
    std::string address_;
    std::atomic<int> connections_ = 0;
    std::atomic<bool> stopping_ = false;
    std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// "HTTP/1.1 200 OK" with these fields ("A: b\r\n") and this content.
[[nodiscard]] std::string ok(std::string_view content, std::string_view fields = {});

} // namespace mpsup::accelerator
