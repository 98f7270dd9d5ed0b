// The tables, and how a database of an earlier version gets them. Private to state/.
#pragma once

#include <SQLiteCpp/Database.h>

namespace mpsup::state {

constexpr int application_id = 0x6d707375; // "mpsu", PRAGMA application_id

/// The schema version (PRAGMA user_version) that this program writes.
[[nodiscard]] int newest_schema() noexcept;

/// Brings a database up to date, one transaction a version. Throws SQLite::Exception.
void migrate(SQLite::Database& database);

} // namespace mpsup::state
