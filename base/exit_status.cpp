#include "base/exit_status.h"

#include <cassert>
#include <csignal>
#include <cstring>

namespace mpsup {

ExitStatus ExitStatus::from_wait(int how, int value) noexcept {
    return how == CLD_EXITED ? exited(value) : signalled(value);
}

int ExitStatus::code() const noexcept {
    assert(kind_ == Kind::exited);
    return value_;
}

int ExitStatus::signal() const noexcept {
    assert(kind_ == Kind::signalled);
    return value_;
}

std::string ExitStatus::to_string() const {
    switch (kind_) {
    case Kind::exited: return "exited with code " + std::to_string(value_);
    case Kind::signalled: {
        const char* name = ::sigabbrev_np(value_);
        return "killed by signal " + std::to_string(value_) + (name ? " (" + std::string(name) + ")" : std::string());
    }
    case Kind::unknown: return "gone (exit code unknown)";
    }
    return {};
}

} // namespace mpsup
