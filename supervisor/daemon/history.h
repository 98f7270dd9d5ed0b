// What the core notes, written down: to the store and to the supervisor's log.
#pragma once

#include "state/store.h"
#include "supervisor/core/worker.h"

#include <string>

namespace mpsup {

/// Milliseconds since 1970, UTC.
[[nodiscard]] std::int64_t wall_clock_ms();

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
    void worker_event(state::EventKind kind, const std::string& worker, const core::Worker& worker_state);
    /// Of the site as a whole.
    void site_event(state::EventKind kind, const std::string& text);

    [[nodiscard]] state::Store& store() { return store_; }

private:
    state::Store& store_;
};

} // namespace mpsup
