// A worker's side of the contract: its one connection to the supervisor.
#pragma once

#include "base/fd.h"
#include "base/fd_passing.h"
#include "worker/contract/messages.h"

#include <chrono>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace mpsup::contract {

/// A message and the descriptors that came with it.
struct Received {
    Message message;
    std::vector<Fd> fds;
};

/// What a worker binary is told on its command line.
struct CommandLine {
    std::string contract_path; // of the supervisor's contract socket
    Identity identity;
    Role role = Role::light; // what it is to be: light or master

    /// Reads "--contract PATH --site S --worker W --generation N --uuid U --role R"; says what is wrong otherwise.
    [[nodiscard]] static Result<CommandLine> parse(int argc, const char* const* argv);
    /// The other way round, argv[0] not included: what the supervisor passes.
    [[nodiscard]] std::vector<std::string> to_arguments() const;
};

/// What a process that serves already brings along for a supervisor that may not know it.
struct Return {
    Stage stage = Stage::serving;
    int wanted = 0; // as in Hello
    std::vector<int> public_listeners;
    int scoreboard = -1; // -1: it has none
    int cache = -1;      // as that
};

/// How often a process that has no supervisor looks for one.
constexpr std::chrono::milliseconds search_interval{250};

/// Owns the connection. Used from one thread.
class Session {
public:
    /// Connects and says hello. Does not wait for an answer.
    [[nodiscard]] static Result<Session> open(const CommandLine& command_line, Role role);

    /// The same of a process that has come further. The descriptors stay the caller's. ENOENT or ECONNREFUSED: there is no
    /// supervisor.
    [[nodiscard]] static Result<Session> come_back(const CommandLine& command_line, Role role, const Return& with);

    /// Waits for `go`. Anything else, the end of the stream or the deadline is an error.
    [[nodiscard]] Result<std::pair<Go, std::vector<Fd>>> wait_for_go(std::chrono::milliseconds deadline);

    /// For poll.
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

    /// The next message, EAGAIN when there is none, ECONNRESET when the supervisor is gone. Never blocks.
    [[nodiscard]] Result<Received> receive();

    /// Never blocks. What the socket has no room for waits here, in order, with copies of its descriptors: a pool that
    /// comes up says more at once than a socket holds. ENOBUFS when `most_waiting` do: the supervisor has not read for
    /// very long.
    [[nodiscard]] Result<> send(const Message& message, std::span<const int> fds = {});
    /// Something waits: flush() when the socket is writable.
    [[nodiscard]] bool has_waiting() const noexcept { return !waiting_.empty(); }
    /// Sends what waits, as far as there is room. False: not one of them went.
    bool flush();
    static constexpr std::size_t most_waiting = 20'000;

private:
    explicit Session(Fd socket) noexcept : socket_(std::move(socket)) {}
    struct Waiting {
        std::string bytes;
        std::vector<Fd> fds;
    };
    [[nodiscard]] Result<> keep(std::string bytes, std::span<const int> fds);

    Fd socket_;
    std::deque<Waiting> waiting_; // to be sent, oldest first
};

} // namespace mpsup::contract
