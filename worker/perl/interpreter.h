// The one Perl interpreter of a process.
#pragma once

#include "base/error.h"

#include <memory>

struct interpreter; // Perl's own name. NOLINT(readability-identifier-naming)

namespace mpsup::perl {

/// Owns the interpreter from its start to the end of the process: it is never torn down, because that would touch, and
/// so un-share, every page that children share with their master. One a process; one thread.
class Interpreter {
public:
    /// main()'s own arguments, which Perl keeps pointers to (perlembed, PERL_SYS_INIT3). SIGPIPE is ignored and SIGTERM
    /// noted from here on, both through Perl's %SIG: a C handler does not survive `local $SIG{TERM}`.
    [[nodiscard]] static Result<Interpreter*> start(int& argc, char**& argv, char**& environment);

    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    /// Before fork(2): what Perl and stdio have buffered would be written twice.
    void flush() noexcept;
    /// In a child just forked: its own random numbers, the default SIGCHLD, its own idea of who it is.
    void became_child() noexcept;
    /// False in a process that the application forked.
    [[nodiscard]] bool is_our_process() const noexcept;
    /// Runs the Perl signal handlers that are due. To be called when a system call was interrupted.
    void dispatch_signals() noexcept;
    /// SIGTERM has come.
    [[nodiscard]] bool was_told_to_end() const noexcept;
    /// Writes what is buffered and leaves with _exit(2): no END block, no destructor.
    [[noreturn]] void leave(int code) noexcept;

    [[nodiscard]] ::interpreter* get() const noexcept { return perl_; }

private:
    explicit Interpreter(::interpreter* perl) noexcept : perl_(perl) {}
    ::interpreter* perl_;
};

} // namespace mpsup::perl
