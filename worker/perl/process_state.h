// What an application may change of the process it runs in, put back after each request. Private to worker/perl.
#pragma once

#include "base/fd.h"
#include "worker/perl/perl_api.h"

#include <array>
#include <string>
#include <sys/types.h>

namespace mpsup::perl {

/// Working directory, umask, alarm, the separators and flags $/ $, $\ $|, the selected handle, locale, and descriptors 0
/// to 2 with STDOUT and STDERR. chdir, umask, alarm and select are noticed as Perl runs them, so that an application that
/// leaves them alone pays nothing; the rest is compared, with one system call for the descriptors. What XS code changes
/// by itself (an interval timer, say) is not seen.
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
    void restore_descriptors(pTHX);
    void restore_locale(pTHX);

    Fd folder_; // the working directory
    mode_t umask_ = 022;
    std::array<Fd, 3> descriptors_;
    std::array<std::string, 6> locales_;
    std::string record_separator_;
};

} // namespace mpsup::perl
