// Everything that can be written, and how it is. Private to state/.
#pragma once

#include "state/rows.h"

#include <SQLiteCpp/Database.h>

#include <variant>

namespace mpsup::state {

/// Of a supervisor that starts: whatever another left running is at an end.
struct Interruption {
    Stamp at = Stamp::now();
};

using Change = std::variant<ProcessRow, ProcessStart, ProcessExit, EventRow, TopologyRow, WorkerRow, HealthSample,
                            ProcessSample, SlowRow, RolloutRow, Interruption>;

/// May it be lost at a power cut, and dropped when there is no room?
[[nodiscard]] bool is_sample(const Change& change) noexcept;

/// Must it survive a power cut (what says who lives and what was wanted)?
[[nodiscard]] bool is_durable(const Change& change) noexcept;

/// Inside a transaction of the caller's. Throws SQLite::Exception.
void apply(SQLite::Database& database, const Change& change);

} // namespace mpsup::state
