// What the worker programs have in common: from the command line to what the supervisor wants.
#pragma once

#include "worker/contract/session.h"

#include <vector>

namespace mpsup {

/// main()'s own three: Perl keeps pointers to them.
struct MainArguments {
    int& argc;
    char**& argv;
    char**& environment;
};

/// What a worker has when it is told to go.
struct WorkerStart {
    MainArguments main;
    contract::CommandLine command_line;
    contract::Session session;
    contract::Go go;
    std::vector<Fd> fds; // as go.fds says
};

/// What a program that has Perl can do with it; nothing in one that has none.
struct PerlParts {
    int (*run_pool)(WorkerStart) = nullptr;
    Result<> (*start)(MainArguments) = nullptr; // Perl alone, without an application: to see what it costs
};

/// Reads the command line, says hello, waits for `go`, and is what it was told to be: a light worker, or what `run_pool`
/// makes of it. Returns the exit code; a pool leaves by _exit(2) instead.
///
/// With `--memory` as its only argument it says in JSON how much memory it has taken up to there, `--memory=perl` with
/// Perl started, and ends: what `mpsup size` compares programs by. With check_certificates_option it says what it thinks of
/// the pairs behind it (contract/certificate_check.h), and ends; with check_links_option it crawls (contract/link_check.h).
[[nodiscard]] int run_worker(const char* program, MainArguments main, PerlParts perl);

} // namespace mpsup
