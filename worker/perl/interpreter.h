// The one Perl interpreter of a process. Private to worker/perl; engine.h says what its functions are for.
#pragma once

#include "base/error.h"

#include <string>

struct interpreter; // Perl's own name. NOLINT(readability-identifier-naming)

namespace mpsup::perl {

/// Owns the interpreter from its start to the end of the process. One a process; one thread.
class Interpreter {
public:
    [[nodiscard]] Result<> start(int& argc, char**& argv, char**& environment);
    /// In a program that is Perl itself (plugged in as an XS module): uses the one that runs. May be said again, in the
    /// same process or in a fork of it. exit() is the real one in code that was compiled before, and in any process that
    /// never was said became_child().
    [[nodiscard]] Result<> adopt(::interpreter* running);

    /// Before it forks children of a pool: SIGCHLD is nobody's but the pool's.
    void become_master() noexcept;

    void flush() noexcept;
    void became_child() noexcept;
    [[nodiscard]] bool is_our_process() const noexcept;
    void dispatch_signals() noexcept;
    [[nodiscard]] bool was_told_to_end() const noexcept;
    [[noreturn]] void leave(int code) noexcept;

    /// In a signal handler: what runs between the two next operations of Perl is `on_interrupt` of interruptible().
    void interrupt() noexcept;
    /// While `handler` is set, an interrupt calls it where it may die; null: interrupts come to nothing.
    void set_interruptible(void (*handler)(::interpreter*)) noexcept;

    /// Calls a subroutine without arguments, which does not die out of this. False: it died, and stderr has why.
    bool call(const char* subroutine, const char* argument = nullptr) noexcept;

    [[nodiscard]] ::interpreter* get() const noexcept { return perl_; }

private:
    [[nodiscard]] Result<> prepare();
    ::interpreter* perl_ = nullptr;
};

} // namespace mpsup::perl
