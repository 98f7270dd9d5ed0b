// What a pool needs of Perl: the seam between worker/dynamic and libperl, so that the engine can be linked in or loaded.
#pragma once

#include "base/error.h"
#include "worker/perl/reply.h"

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace mpsup::perl {

/// How a call of the application went.
struct CallOutcome {
    bool started = false; // Reply::start was called and accepted
    bool whole = false;   // all of the reply was given
    int status = 500;     // what to answer when nothing was started: 500, or 503 when it ran out of time
    std::string error;    // what the application died of, or which rule it broke; empty: nothing
};

/// What is to be loaded. Exactly one of `psgi` and `cgi` is given, as an absolute path.
struct ApplicationPlan {
    std::string psgi;                                           // a .psgi file
    std::string cgi;                                            // a folder of CGI scripts
    std::string cgi_mode;                                       // registry, perlrun, fork, exec
    std::vector<std::pair<std::string, std::string>> cgi_modes; // glob of a script below the folder, its mode
    bool development = false;
};

/// When Perl code of the application is told of something. `mpsup.pod` says what each is for.
enum class Hook {
    post_fork,  // in a child, before its first request
    pre_exit,   // in a child, before it leaves
    pre_refork, // in a child that is about to be a pool master
};

/// The one Perl interpreter of a process and the application in it. One thread. It is never torn down: that would
/// touch, and so un-share, every page that children share with their master. No Perl exception comes out of any of
/// these: what dies ends as a value.
class Engine {
public:
    virtual ~Engine() = default;

    /// "perl 5.36.0, linked in"
    [[nodiscard]] virtual std::string describe() const = 0;

    /// main()'s own arguments, which Perl keeps pointers to (perlembed, PERL_SYS_INIT3). SIGPIPE comes to nothing and
    /// SIGTERM is noted from here on, both through Perl's %SIG: a C handler does not survive `local $SIG{TERM}`. A
    /// process that is forked from here on has SIGTERM unblocked.
    [[nodiscard]] virtual Result<> start(int& argc, char**& argv, char**& environment) = 0;
    /// Loads the application. The error is Perl's own message, with file and line. What loading left open that forks
    /// will share (sockets, database handles, threads) is written to stderr with the line that made it.
    [[nodiscard]] virtual Result<> load(const ApplicationPlan& plan) = 0;
    /// The files that make up what was loaded: absolute paths.
    [[nodiscard]] virtual std::vector<std::string> loaded_files() = 0;

    /// Calls the application and passes its response on to `reply` while it is made: an array, a file handle, an object
    /// with getline, or a code reference (delayed or streaming). When `started` is false nobody has answered yet.
    [[nodiscard]] virtual CallOutcome call(const RequestInput& input, Reply& reply) = 0;
    /// After the reply has left: psgix.cleanup.handlers, then what the application did to the process (working
    /// directory, umask, locale, alarm, separators, descriptors 0 to 2) is put back. True: the application wants this
    /// process to end (psgix.harakiri.commit).
    [[nodiscard]] virtual bool finish_request() = 0;
    /// What post_fork hooks do to the process (umask, working directory) is what each request finds.
    virtual void run_hook(Hook hook) = 0;

    /// Before the first fork(2) of a pool's child: what is loaded is made fit for being shared, and a handler of SIGCHLD
    /// that the application has set is taken off.
    virtual void settle() noexcept = 0;
    /// Before fork(2): what Perl and stdio have buffered would be written twice.
    virtual void flush() noexcept = 0;
    /// In a child just forked: its own random numbers, the default SIGCHLD, its own idea of who it is, database handles
    /// that do not log out for their master.
    virtual void became_child() noexcept = 0;
    /// False in a process that the application forked (by fork(3), not by a system call of its own).
    [[nodiscard]] virtual bool is_our_process() const noexcept = 0;
    /// Runs the Perl signal handlers that are due. To be called when a system call was interrupted.
    virtual void dispatch_signals() noexcept = 0;
    /// SIGTERM has come.
    [[nodiscard]] virtual bool was_told_to_end() const noexcept = 0;
    /// Writes what is buffered and leaves with _exit(2): no END block, no destructor.
    [[noreturn]] void leave(int code) noexcept {
        flush();
        ::_exit(code);
    }

    // In a signal handler: these two touch nothing but what they are given and Perl's own stack, which they read with
    // checked copies (process_vm_readv(2)), because it may be half changed.

    /// The Perl stack as lines "FILE:LINE SUB", innermost first, into `text`; how much of it was used.
    [[nodiscard]] virtual std::size_t copy_stack(std::span<char> text) const noexcept = 0;
    /// Makes the Perl code that runs die between two of its operations: best effort, because code in C goes on, and an
    /// eval of the application may catch it. Without effect when no request is in hand.
    virtual void interrupt() noexcept = 0;
};

/// The engine that is linked into this binary, or into perl.so.
[[nodiscard]] Engine& linked_engine();

} // namespace mpsup::perl
