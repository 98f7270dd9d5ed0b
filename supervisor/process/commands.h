// Programs that are run to their end: probes, hooks, and readers of what lies on the disk.
#pragma once

#include "supervisor/process/spawner.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace mpsup {

struct Command {
    std::vector<std::string> words;       // the program, by its absolute path, and its arguments
    std::vector<std::string> environment; // "NAME=value", the whole of it
    std::chrono::milliseconds timeout{10'000};
};

struct CommandEnd {
    bool passed = false; // it ended with 0
    std::string why;     // else: how it ended, and the last line that it wrote, made printable
};

/// Takes a line that a program wrote; an empty one says that there was none for half a second. False: no more is
/// wanted.
using OnCommandLine = std::function<boost::asio::awaitable<bool>(std::string line)>;

/// One event loop, which never waits for them. Outlives its coroutines.
class Commands {
public:
    explicit Commands(Spawner& spawner) : spawner_(spawner) {}

    /// Runs it in a session of its own, in /, and kills all of that when it takes longer than its timeout. Of what it writes
    /// the first 64 KiB are taken, and its writes beyond that fail. Never throws.
    [[nodiscard]] boost::asio::awaitable<CommandEnd> run(Command command);
    /// Runs it in the same way and hands on each line that it writes, of at most 8 MiB; it waits while nobody takes
    /// them. It may take any time, and is killed when no more is wanted. Never throws, but what `on_line` throws.
    [[nodiscard]] boost::asio::awaitable<CommandEnd> read(Command command, OnCommandLine on_line);
    /// Is it one that runs? Then it is reaped here.
    [[nodiscard]] bool knows(pid_t pid) const { return running_.contains(pid); }

private:
    [[nodiscard]] Result<Pidfd> start(Command& command, int output);
    // What is left of it is killed. Its status, once it is reaped.
    [[nodiscard]] boost::asio::awaitable<ExitStatus> end(const Pidfd& pidfd, bool is_ending);

    Spawner& spawner_;
    std::set<pid_t> running_;
};

} // namespace mpsup
