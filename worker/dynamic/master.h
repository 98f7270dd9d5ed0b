// The pool master: loads Perl and the application once, forks the children, replaces the dead.
#pragma once

#include "worker/contract/session.h"
#include "worker/perl/interpreter.h"

namespace mpsup::dynamic {

/// Runs the whole life of a pool master after `go`: returns its exit code. Single-threaded, one poll loop; serves no
/// client. Children never return from here: they leave with _exit(2).
[[nodiscard]] int run_master(perl::Interpreter& interpreter, contract::Session session, const contract::Go& go,
                             std::vector<Fd> fds, const contract::CommandLine& command_line);

} // namespace mpsup::dynamic
