// The tables and how a database of an earlier version gets them. Private to state/.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

namespace mpsup {

constexpr int application_id = 0x6d707375; // "mpsu"

/// The schema version this program writes.
[[nodiscard]] int newest_schema();

/// Brings a database up to date, one transaction a version. Throws SQLite::Exception.
void migrate(SQLite::Database& database);

} // namespace mpsup
