// One heavy process: serves one request at a time until it is told to leave.
#pragma once

#include "base/fd.h"
#include "worker/contract/scoreboard.h"
#include "worker/contract/session.h"
#include "worker/dynamic/child_channel.h"
#include "worker/perl/application.h"

#include <chrono>
#include <vector>

namespace mpsup::dynamic {

/// What a child is born with.
struct ChildSetup {
    perl::Interpreter& interpreter;
    perl::Application& application;
    std::vector<int> public_listeners; // stay the master's to own: the descriptors are the process's from here on
    std::vector<int> private_listeners;
    Fd access_log;
    ChildChannel channel;
    contract::ScoreboardWriter scoreboard;
    contract::CommandLine command_line; // to speak for itself when its master is dead
    std::chrono::milliseconds grace{30'000};
    bool serves_already = false; // its generation was let in before it was born
};

/// Runs in a process just forked and never returns to the master's code: leaves with _exit(2). Everything of a request is
/// read without blocking, from as many clients as there are; only what the application does, and writing the reply,
/// keeps it from the others. A busy child accepts nobody, so an idle one does.
[[noreturn]] void run_child(ChildSetup setup);

} // namespace mpsup::dynamic
