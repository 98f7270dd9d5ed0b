// What an application may change of the process it runs in, put back after each request. Private to worker/perl.
#pragma once

#include "base/fd.h"
#include "worker/perl/perl_api.h"

#include <array>
#include <string>
#include <sys/types.h>

namespace mpsup::perl {

/// Working directory, umask, alarm, the separators and flags $/ $, $\ $|, the selected handle, locale, the handlers of
/// SIGPIPE, SIGTERM and SIGCHLD, and descriptors 0 to 2 with STDOUT and STDERR. What takes a system call to put back is
/// noticed as Perl runs it (chdir, umask, alarm, select, open, close, and what POSIX and
/// Time::HiRes have of the same), so that an application that
/// leaves it alone pays nothing; the rest is compared. What other XS code changes by itself is not seen.
class ProcessState {
public:
    /// From here on operations are noticed. Called once, before the application is compiled: what was compiled before
    /// keeps Perl's own.
    static void watch_operations() noexcept;

    /// Remembers how things are: after loading, before the first request.
    void remember(pTHX);
    /// Puts back what differs.
    void restore(pTHX);

private:
    struct FileIdentity {
        dev_t device = 0;
        ino_t inode = 0;
    };

    void restore_variables(pTHX);
    void restore_signals(pTHX);
    void restore_descriptors(pTHX);
    void restore_handles(pTHX);
    void restore_locale(pTHX);

    Fd folder_; // the working directory
    mode_t umask_ = 022;
    std::array<Fd, 3> descriptors_;
    std::array<FileIdentity, 3> identities_; // of what they lead to
    std::array<std::string, 6> locales_;
    std::string whole_locale_; // as setlocale(3) takes it, all categories
    // As long as the interpreter, which is never torn down.
    GV* stdout_ = nullptr;
    int stdout_fd_ = -1, stderr_fd_ = -1; // of the handles; -1: they were closed, or lead to no descriptor
    GV* input_separator_ = nullptr;
    GV* output_separator_ = nullptr;
    CV* on_term_ = nullptr;
    CV* on_pipe_ = nullptr;
};

} // namespace mpsup::perl
