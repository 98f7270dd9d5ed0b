// The pool master: forks the children of an application that is loaded, replaces the dead, keeps the pool at its size.
#pragma once

#include "worker/contract/session.h"
#include "worker/dynamic/heap_image.h"
#include "worker/http/limits.h"
#include "worker/perl/engine.h"

#include <optional>
#include <vector>

namespace mpsup::dynamic {

/// What a master works with.
struct MasterSetup {
    perl::Engine& engine;                              // with its application
    std::optional<contract::Session> session;          // nothing: there is no supervisor
    std::optional<contract::CommandLine> command_line; // what children say of themselves to a supervisor
    contract::Go go;
    std::vector<Fd> fds;              // as go.fds says
    std::optional<HeapImage> image{}; // of this process
    http::Deadlines deadlines = http::Deadlines::heavy();
};

/// Runs until the pool is told to drain and has: returns the exit code. Single-threaded, one poll loop; serves no client.
/// Children never return from here: they leave with _exit(2), or are promoted and are masters themselves, and then leave.
[[nodiscard]] int run_master(MasterSetup setup);

} // namespace mpsup::dynamic
