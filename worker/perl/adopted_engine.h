// The engine in a program that is Perl itself.
#pragma once

#include "worker/perl/engine.h"

struct interpreter; // Perl's own name. NOLINT(readability-identifier-naming)

namespace mpsup::perl {

/// Makes the package Mpsup and what applications may call of it, and sees to it that what is compiled from here on is
/// watched as it is in a process of our own (exit, chdir ...). adopted_engine() does it too, late. %SIG is changed as
/// Engine::start says; putting it back is the caller's affair.
[[nodiscard]] Result<> adopt_interpreter(::interpreter* running);

/// An engine in the interpreter that runs, with an application that is there already: a code reference (`SV*`), of which
/// the engine owns a count. start() and load() are not to be called. One a process; asked again, it has the application
/// given last.
[[nodiscard]] Result<Engine*> adopted_engine(::interpreter* running, void* application);

} // namespace mpsup::perl
