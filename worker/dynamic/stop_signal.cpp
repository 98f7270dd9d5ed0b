#include "worker/dynamic/stop_signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace mpsup::dynamic {

void StopSignal::heed(bool on, sigset_t& waiting) {
    sigset_t chld;
    ::sigemptyset(&chld);
    ::sigaddset(&chld, SIGCHLD);
    ::sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &chld, nullptr);
    ::sigaddset(&waiting, SIGCHLD);
    signals_ = on ? Fd(::signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK)) : Fd();
}

void StopSignal::clear() {
    signalfd_siginfo heard{};
    while (::read(signals_.get(), &heard, sizeof heard) > 0) {
    }
}

} // namespace mpsup::dynamic
