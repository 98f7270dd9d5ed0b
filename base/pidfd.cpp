#include "base/pidfd.h"

#include <cerrno>
#include <charconv>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {

namespace {

// waitid's idtype for pidfds; glibc 2.36 names it P_PIDFD.
constexpr auto wait_by_pidfd = static_cast<idtype_t>(P_PIDFD);

// -1: of a process that is gone; 0: this is no pidfd.
pid_t pid_of(int fd) {
    const auto info = read_file("/proc/self/fdinfo/" + std::to_string(fd), 4096);
    if (!info) return 0;
    constexpr std::string_view key = "\nPid:\t";
    const auto at = info->find(key);
    if (at == std::string::npos) return 0;
    pid_t pid = 0;
    const char* begin = info->data() + at + key.size();
    std::from_chars(begin, info->data() + info->size(), pid);
    return pid;
}

} // namespace

Result<Pidfd> Pidfd::open(pid_t pid) {
    const long fd = ::syscall(SYS_pidfd_open, pid, 0); // close-on-exec by itself
    if (fd < 0) return system_failure("pidfd of process " + std::to_string(pid));
    return Pidfd(Fd(static_cast<int>(fd)), pid);
}

Result<Pidfd> Pidfd::adopt(Fd fd, pid_t said) {
    const pid_t pid = pid_of(fd.get());
    if (pid == 0) return system_failure("adopt pidfd", EBADF);
    return Pidfd(std::move(fd), pid > 0 ? pid : said);
}

Result<> Pidfd::send_signal(int signal) const {
    if (::syscall(SYS_pidfd_send_signal, fd_.get(), signal, nullptr, 0) != 0)
        return system_failure("signal process " + std::to_string(pid_));
    return {};
}

bool Pidfd::ended() const noexcept {
    pollfd entry{fd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
}

std::optional<ExitStatus> Pidfd::reap() const noexcept {
    siginfo_t info{};
    if (::waitid(wait_by_pidfd, static_cast<id_t>(fd_.get()), &info, WEXITED | WNOHANG) == 0) {
        if (info.si_pid == 0) return std::nullopt;
        return ExitStatus::from_wait(info.si_code, info.si_status);
    }
    if (ended()) return ExitStatus::unknown();
    return std::nullopt;
}

} // namespace mpsup
