// The engine in a program that is Perl itself.
#pragma once

#include "worker/perl/engine.h"

struct interpreter; // Perl's own name. NOLINT(readability-identifier-naming)

namespace mpsup::perl {

/// An engine in the interpreter that runs, with an application that is there already: a code reference (`SV*`), of which
/// the engine owns a count. start() and load() are not to be called. One a process; asked again, it has the application
/// given last. %SIG is changed as Engine::start says; putting it back is the caller's affair.
[[nodiscard]] Result<Engine*> adopted_engine(::interpreter* running, void* application);

} // namespace mpsup::perl
