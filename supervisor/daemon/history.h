// What the core notes, written down: to the store and to the supervisor's log.
#pragma once

#include "state/store.h"
#include "supervisor/core/worker.h"
#include "worker/contract/scoreboard.h"

#include <string>

namespace mpsup {

/// Milliseconds since 1970, UTC.
[[nodiscard]] std::int64_t wall_clock_ms();
/// Such a time as text: "2026-01-31T12:00:00.000Z".
[[nodiscard]] std::string timestamp(std::int64_t ms);

/// One line of the supervisor's log: "[2026-01-31T12:00:00.000Z] [notice] text". Also the last resort of everything
/// that has nowhere else to go.
void log_line(const std::string& level, const std::string& text);

/// Records events. One event loop.
class History {
public:
    explicit History(state::Store& store) : store_(store) {}

    /// Of a worker, with its restart counts as they are now.
    void note(const std::string& worker, const core::Note& note, const core::Worker& worker_state);
    /// Of a worker, when no note of the core's says it.
    void worker_event(state::EventKind kind, const std::string& worker, const core::Worker& worker_state,
                      const std::string& reason = {});
    /// A request that had become slow, while it was running.
    void slow(const std::string& worker, core::GenerationNumber generation, pid_t pid,
              const contract::SlowSnapshot& snapshot);
    /// Files of a generation have changed on the disk since it loaded them.
    void code_drift(const std::string& worker, core::GenerationNumber generation, const std::string& files,
                    const core::Worker& worker_state);
    /// A request that killed one child after the other; what it is said to be comes from a client.
    void quarantined(const std::string& worker, core::GenerationNumber generation, const std::string& request,
                     const core::Worker& worker_state);
    /// A worker serves without something; in its own words.
    void impaired(const std::string& worker, core::GenerationNumber generation, const std::string& what,
                  const core::Worker& worker_state);
    /// Of the site as a whole.
    void site_event(state::EventKind kind, const std::string& text);

    [[nodiscard]] state::Store& store() { return store_; }

private:
    state::Store& store_;
};

} // namespace mpsup
