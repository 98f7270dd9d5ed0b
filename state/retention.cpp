#include "state/retention.h"

#include <SQLiteCpp/Statement.h>
#include <string>

namespace mpsup::state {

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
    // One that never was recorded as ended is kept: it may still live.
    database.exec("DELETE FROM processes WHERE ended_ms < (SELECT ended_ms FROM processes WHERE ended_ms IS NOT NULL "
                  "ORDER BY ended_ms DESC LIMIT 1 OFFSET " +
                  std::to_string(retention.ended_processes - 1) + ")");
}

} // namespace mpsup::state
