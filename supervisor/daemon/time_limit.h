// Children that ended themselves because a request took too long.
#pragma once

#include "base/exit_status.h"
#include "worker/contract/scoreboard.h"

#include <cstdint>
#include <string>

namespace mpsup {

/// Why a child is dead that its own timer killed: its scoreboard still says what it was at, and until when it might have
/// been. Empty for every other death. `now_ms`: CLOCK_MONOTONIC, as in the scoreboard.
[[nodiscard]] std::string time_limit_reason(const contract::ScoreboardSnapshot& board, ExitStatus status,
                                            std::int64_t now_ms);

} // namespace mpsup
