// Asking a worker whether it answers.
#pragma once

#include "base/address.h"
#include "supervisor/process/commands.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

struct ProbeTarget {
    std::string socket;              // path of a generation's private listener
    std::string host;                // Host header: the worker's public address
    std::optional<std::string> path; // GET it; nothing: OPTIONS *, which the engine answers itself
    // One of them not empty: that instead
    std::vector<Address> tcp{};             // each takes a connection
    std::vector<std::string> exec{};        // a program, by its absolute path, and its arguments: it ends with 0
    std::vector<std::string> environment{}; // of the program, "NAME=value"
    std::chrono::milliseconds timeout{2'000};
};

struct ProbeResult {
    bool passed = false;
    std::chrono::milliseconds latency{0};
    std::string why;   // what was wrong, with the first line of what came back; empty when it passed
    bool asked = true; // false: the question could not be put, which says nothing of the worker
};

/// The seam between the supervisor and what its workers answer.
class Probe {
public:
    virtual ~Probe() = default;
    /// Never throws, never takes longer than the timeout. One event loop.
    [[nodiscard]] virtual boost::asio::awaitable<ProbeResult> run(ProbeTarget target) = 0;
};

/// One HTTP/1.1 request through the data path. Passed: a status from 200 to 399. The reply is read under hard caps:
/// 16 KiB of header, 64 KiB of body, of which only the first line is kept.
class HttpProbe final : public Probe {
public:
    [[nodiscard]] boost::asio::awaitable<ProbeResult> run(ProbeTarget target) override;
};

/// Connections that are closed at once, one after the other, all within the timeout.
class TcpProbe final : public Probe {
public:
    [[nodiscard]] boost::asio::awaitable<ProbeResult> run(ProbeTarget target) override;
};

/// Whichever the target asks for; a program through `commands`, which outlives it.
class EveryProbe final : public Probe {
public:
    explicit EveryProbe(Commands& commands) : commands_(commands) {}
    [[nodiscard]] boost::asio::awaitable<ProbeResult> run(ProbeTarget target) override;

private:
    Commands& commands_;
    HttpProbe http_;
    TcpProbe tcp_;
};

} // namespace mpsup
