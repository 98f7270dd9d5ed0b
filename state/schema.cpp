#include "state/schema.h"

#include <array>
#include <string>

namespace mpsup {

namespace {

// Entry n brings a database from version n to n + 1. Entries are never changed, only added.
constexpr std::array migrations{
    R"sql(
CREATE TABLE topologies (
  id INTEGER PRIMARY KEY,
  applied_ms INTEGER NOT NULL,
  digest TEXT NOT NULL,
  path TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TABLE workers (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  generation INTEGER NOT NULL,
  ready INTEGER NOT NULL,
  wanted INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  planned_restarts INTEGER NOT NULL,
  health TEXT NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE processes (
  uuid TEXT PRIMARY KEY,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('light', 'master', 'child')),
  state TEXT NOT NULL CHECK (state IN ('intended', 'started', 'ended')),
  pid INTEGER,
  start_time INTEGER,
  boot_id TEXT,
  how_ended TEXT,
  changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX processes_alive ON processes (state) WHERE state <> 'ended';
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  signal INTEGER,
  exit_code INTEGER,
  planned INTEGER NOT NULL,
  crashes INTEGER NOT NULL,
  planned_restarts INTEGER NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE TABLE health_samples (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  passed INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL,
  private_bytes INTEGER NOT NULL,
  shared_bytes INTEGER NOT NULL
) STRICT;
)sql",
};

} // namespace

int newest_schema() { return static_cast<int>(migrations.size()); }

void migrate(SQLite::Database& database) {
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    for (std::size_t next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
        SQLite::Transaction transaction(database);
        database.exec("PRAGMA application_id = " + std::to_string(application_id));
        database.exec(migrations[next]);
        database.exec("PRAGMA user_version = " + std::to_string(next + 1));
        transaction.commit();
    }
}

} // namespace mpsup
