#include "state/retention.h"

#include <SQLiteCpp/Statement.h>

#include <limits>
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

void trim(SQLite::Database& database, const Keep& keep, std::int64_t now_ms) {
    const std::string limit = " LIMIT " + std::to_string(rows_per_trim);
    const auto delete_minutes = [&](std::int64_t before) {
        return database.exec("DELETE FROM health_minutes WHERE (minute_ms, worker) IN (SELECT minute_ms, worker FROM "
                             "health_minutes WHERE minute_ms < " +
                             std::to_string(before) + " ORDER BY minute_ms, worker" + limit + ")");
    };
    // In the order of their ids, or the whole table would be looked through.
    const auto delete_first = [&](const std::string& table, std::int64_t before) {
        return database.exec("DELETE FROM " + table + " WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM " + table +
                             " ORDER BY id" + limit + ") WHERE at_ms < " + std::to_string(before) + ")");
    };
    for (const char* table : {"health_samples", "process_samples"}) delete_first(table, now_ms - keep.raw.count());
    delete_minutes(now_ms - keep.minute.count());

    const auto number = [&](const char* pragma) { return database.execAndGet(pragma).getInt64(); };
    const auto used = (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * number("PRAGMA page_size");
    if (used <= keep.max_bytes) return;
    constexpr auto whenever = std::numeric_limits<std::int64_t>::max();
    if (delete_first("health_samples", whenever) + delete_first("process_samples", whenever) > 0) return;
    if (delete_minutes(whenever) + delete_first("slow_requests", whenever) > 0) return;
    delete_first("events", whenever);
}

} // namespace mpsup::state
