// How the end of a process stands in the columns how_ended and end_value. Private to state/.
#pragma once

#include "base/exit_status.h"

#include <cstdint>
#include <string_view>

namespace mpsup::state {

struct EndColumns {
    std::string_view how;   // "exited", "signalled", "unknown"
    std::int32_t value = 0; // the code or the signal
};

[[nodiscard]] inline EndColumns to_columns(const ExitStatus& status) {
    switch (status.kind()) {
    case ExitStatus::Kind::exited: return {"exited", status.code()};
    case ExitStatus::Kind::signalled: return {"signalled", status.signal()};
    case ExitStatus::Kind::unknown: break;
    }
    return {"unknown", 0};
}

[[nodiscard]] inline ExitStatus from_columns(std::string_view how, std::int32_t value) noexcept {
    if (how == "exited") return ExitStatus::exited(value);
    if (how == "signalled") return ExitStatus::signalled(value);
    return ExitStatus::unknown();
}

} // namespace mpsup::state
