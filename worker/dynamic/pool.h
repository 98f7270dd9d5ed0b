// The life of a heavy worker after `go`.
#pragma once

#include "worker/perl/engine.h"
#include "worker/program.h"

namespace mpsup::dynamic {

/// Starts Perl and is a pool master, in whose children it forks itself. Returns the exit code when it never got that far;
/// else it leaves by _exit(2), because an interpreter is not torn down. What fails is said to the supervisor.
[[nodiscard]] int run_pool(Result<perl::Engine*> engine, WorkerStart start);

} // namespace mpsup::dynamic
