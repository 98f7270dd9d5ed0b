// Programs that are run to their end: probes and hooks.
#pragma once

#include "supervisor/process/spawner.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
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

/// One event loop, which never waits for them. Outlives its coroutines.
class Commands {
public:
    explicit Commands(Spawner& spawner) : spawner_(spawner) {}

    /// Runs it in a session of its own, in /, and kills all of that when it takes longer than its timeout. Of what it writes
    /// the first 64 KiB are taken, and its writes beyond that fail. Never throws.
    [[nodiscard]] boost::asio::awaitable<CommandEnd> run(Command command);
    /// Is it one that runs? Then it is reaped here.
    [[nodiscard]] bool knows(pid_t pid) const { return running_.contains(pid); }

private:
    Spawner& spawner_;
    std::set<pid_t> running_;
};

} // namespace mpsup
