// SIGCHLD of a child that was stopped, which nobody else in a master wants.
#pragma once

#include "base/fd.h"

#include <csignal>

namespace mpsup::dynamic {

/// Owns a signalfd(2). Of the process: one at a time.
class StopSignal {
public:
    /// From here on the signal is blocked and fd() readable when it has come; off: as it was before. In `waiting`, the
    /// mask of a wait, it is blocked in either case.
    void heed(bool on, sigset_t& waiting);
    [[nodiscard]] int fd() const noexcept { return signals_.get(); }
    /// It was heard. Several may have come as one.
    void clear();

private:
    Fd signals_;
};

} // namespace mpsup::dynamic
