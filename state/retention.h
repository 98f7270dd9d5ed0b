// How much is kept. Private to state/.
#pragma once

#include "state/store.h"

#include <SQLiteCpp/Database.h>

#include <cstdint>

namespace mpsup::state {

struct Retention {
    std::int64_t events = 100'000;         // the newest
    std::int64_t samples = 100'000;        // of each kind, the newest
    std::int64_t topologies = 200;         // the newest
    std::int64_t slow_requests = 10'000;   // the newest
    std::int64_t ended_processes = 20'000; // the last that ended
    std::int64_t rollouts = 10'000;        // the newest
    std::int64_t worker_states = 100'000;  // the newest, and before them the last of each worker

    friend bool operator==(const Retention&, const Retention&) = default;
};

/// Deletes what is beyond. Inside a transaction of the caller's. Throws SQLite::Exception.
void prune(SQLite::Database& database, const Retention& retention);

constexpr int rows_per_trim = 2'000; // of a table

/// Deletes what is older than it may be, and of a database that is too large the oldest samples, then sums by the minute,
/// slow requests, events; at most so many rows of each table. Inside a transaction of the caller's. Throws
/// SQLite::Exception.
void trim(SQLite::Database& database, const Keep& keep, std::int64_t now_ms);

} // namespace mpsup::state
