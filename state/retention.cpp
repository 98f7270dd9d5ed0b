#include "state/retention.h"

#include <SQLiteCpp/Statement.h>
#include <string>

namespace mpsup::state {

namespace {

// What is left of earlier times is where each worker stood when they ended: there the history of states begins.
void prune_states(SQLite::Database& database, std::int64_t rows) {
    const auto last = database.execAndGet("SELECT ifnull(max(id), 0) FROM worker_states").getInt64() - rows;
    if (last <= 0) return;
    const std::string old = " WHERE id <= " + std::to_string(last);
    database.exec("DELETE FROM worker_states" + old + " AND id NOT IN (SELECT max(id) FROM worker_states" + old +
                  " GROUP BY worker)");
    database.exec("UPDATE worker_states SET at_ms = max(at_ms, (SELECT max(at_ms) FROM worker_states" + old + "))" +
                  old);
}

} // namespace

void prune(SQLite::Database& database, const Retention& retention) {
    const auto keep_newest = [&](const std::string& table, std::int64_t rows) {
        database.exec("DELETE FROM " + table + " WHERE id <= (SELECT max(id) FROM " + table + ") - " +
                      std::to_string(rows));
    };
    keep_newest("events", retention.events);
    keep_newest("health_samples", retention.samples);
    keep_newest("process_samples", retention.samples);
    keep_newest("topologies", retention.topologies);
    keep_newest("slow_requests", retention.slow_requests);
    keep_newest("rollouts", retention.rollouts);
    prune_states(database, retention.worker_states);
    // One that never was recorded as ended is kept: it may still live.
    database.exec("DELETE FROM processes WHERE ended_ms < (SELECT ended_ms FROM processes WHERE ended_ms IS NOT NULL "
                  "ORDER BY ended_ms DESC LIMIT 1 OFFSET " +
                  std::to_string(retention.ended_processes - 1) + ")");
}

} // namespace mpsup::state
