// One heavy process: serves one request at a time until it is told to leave.
#pragma once

#include "base/fd.h"
#include "worker/contract/scoreboard.h"
#include "worker/contract/session.h"
#include "worker/dynamic/child_channel.h"
#include "worker/dynamic/heap_image.h"
#include "worker/dynamic/pool_board.h"
#include "worker/http/limits.h"
#include "worker/perl/engine.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace mpsup::dynamic {

/// What a child is born with.
struct ChildSetup {
    perl::Engine& engine;
    std::vector<int> public_listeners; // stay the master's to own: the descriptors are the process's from here on
    std::vector<int> private_listeners;
    int access_log = -1; // as the listeners
    ChildChannel channel;
    Fd scoreboard_memory; // of the scoreboard, for a supervisor that does not know it
    contract::ScoreboardWriter scoreboard;
    PoolBoard& board;
    std::size_t slot = 0;                              // of the board
    std::optional<contract::CommandLine> command_line; // to speak for itself when its master is dead
    const contract::Go& go;
    std::chrono::milliseconds grace{30'000};
    bool serves_already = false;      // its generation was let in before it was born
    const HeapImage* image = nullptr; // of its master; null: there is none
    http::Deadlines deadlines = http::Deadlines::heavy();
};

/// Why a child has ended its work, when it is not to leave: it was made a pool master.
struct Promoted {
    std::optional<contract::Session> session; // nothing: the supervisor is gone
    contract::Promote order;
};

/// The life of a process just forked. Everything of a request is read without blocking, from as many clients as there
/// are; only what the application does, and writing the reply, keeps it from the others. A busy child accepts nobody, so
/// an idle one does. Leaves with _exit(2), or returns when it has been promoted and has no client any more.
[[nodiscard]] Promoted run_child(ChildSetup setup);

} // namespace mpsup::dynamic
