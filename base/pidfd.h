// A process that cannot be mistaken for another: the kernel's own handle instead of a number that is reused.
#pragma once

#include "base/error.h"
#include "base/exit_status.h"
#include "base/fd.h"

#include <optional>
#include <sys/types.h>

namespace mpsup {

/// A process by pidfd (pidfd_open(2)). Signals go through it and so never reach a process that took over the pid.
/// The destructor only closes the descriptor: it neither kills nor reaps.
class Pidfd {
public:
    Pidfd() noexcept = default;

    /// Of a living process or an unreaped child. ESRCH when there is none.
    [[nodiscard]] static Result<Pidfd> open(pid_t pid);

    /// Takes a descriptor that somebody else opened, after the kernel confirmed (/proc/self/fdinfo) that it is a
    /// pidfd and whose; EBADF otherwise. Of a process that was reaped the kernel no longer knows whose it was: then it is
    /// `said`, which is as good, because nothing reaches anybody through it.
    [[nodiscard]] static Result<Pidfd> adopt(Fd fd, pid_t said);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// For poll: readable when the process has ended.
    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(fd_); }

    /// pidfd_send_signal(2). ESRCH when it is gone.
    [[nodiscard]] Result<> send_signal(int signal) const;

    /// Has it ended? Never blocks.
    [[nodiscard]] bool ended() const noexcept;

    /// Reaps it if it has ended: its status, or `unknown` when it ended but is not our child (or was reaped
    /// already); nothing while it lives. Never blocks.
    [[nodiscard]] std::optional<ExitStatus> reap() const noexcept;

private:
    Pidfd(Fd fd, pid_t pid) noexcept : fd_(std::move(fd)), pid_(pid) {}
    Fd fd_;
    pid_t pid_ = -1; // -1: nothing held
};

} // namespace mpsup
