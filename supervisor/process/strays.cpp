#include "supervisor/process/strays.h"

#include <cerrno>
#include <sys/prctl.h>
#include <sys/wait.h>

namespace mpsup {

Result<> become_subreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return system_failure("become subreaper");
    return {};
}

void reap_strays(const std::function<bool(pid_t)>& is_known) {
    for (;;) {
        siginfo_t info{};
        // WNOWAIT leaves it to be reaped: only then is it decided whose business that is. A known one at the head of
        // the kernel's list hides the strays behind it until its owner has reaped it and this is called again.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
        if (is_known(info.si_pid)) return;
        ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
    }
}

std::vector<pid_t> stopped_children() {
    std::vector<pid_t> pids;
    siginfo_t info{};
    while (::waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid != 0) {
        pids.push_back(info.si_pid);
        info = {};
    }
    return pids;
}

} // namespace mpsup
