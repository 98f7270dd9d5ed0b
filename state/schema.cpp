#include "state/schema.h"

#include <SQLiteCpp/Transaction.h>
#include <array>
#include <string>

namespace mpsup::state {

namespace {

// Entry n brings a database from version n to n + 1. Entries are never changed, only added; SCHEMA.md explains them.
constexpr std::array migrations{R"sql(
CREATE TABLE topologies (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  applied_ms INTEGER NOT NULL,
  digest TEXT NOT NULL,
  path TEXT NOT NULL,
  document TEXT NOT NULL
) STRICT;
CREATE TABLE workers (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL,
  generation INTEGER NOT NULL,
  status TEXT NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE processes (
  uuid TEXT PRIMARY KEY,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('light', 'master', 'child')),
  intended_ms INTEGER NOT NULL,
  pid INTEGER,
  start_time INTEGER,
  boot_id TEXT,
  ended_ms INTEGER,
  how_ended TEXT CHECK (how_ended IN ('exited', 'signalled', 'unknown')),
  end_value INTEGER,
  reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX processes_living ON processes (worker) WHERE ended_ms IS NULL;
CREATE INDEX processes_ended ON processes (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE INDEX processes_generation ON processes (worker, generation);
CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  boot_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  how_ended TEXT CHECK (how_ended IN ('exited', 'signalled', 'unknown')),
  end_value INTEGER,
  reason TEXT NOT NULL,
  crash_restarts INTEGER NOT NULL,
  planned_restarts INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX events_worker ON events (worker, id);
CREATE TABLE health_samples (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  boot_ms INTEGER NOT NULL,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,
  latency_us INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE INDEX health_samples_worker ON health_samples (worker, id);
CREATE TABLE process_samples (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  boot_ms INTEGER NOT NULL,
  uuid TEXT NOT NULL,
  requests INTEGER NOT NULL,
  private_bytes INTEGER NOT NULL,
  shared_bytes INTEGER NOT NULL
) STRICT;
)sql",
                                R"sql(
CREATE TABLE slow_requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  boot_ms INTEGER NOT NULL,
  worker TEXT NOT NULL,
  generation INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  method TEXT NOT NULL,
  uri TEXT NOT NULL,
  age_ms INTEGER NOT NULL,
  fingerprint TEXT NOT NULL,
  frames TEXT NOT NULL
) STRICT;
CREATE INDEX slow_requests_worker ON slow_requests (worker, id);
CREATE INDEX slow_requests_fingerprint ON slow_requests (fingerprint, worker, age_ms);
)sql",
                                R"sql(
CREATE TABLE rollouts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  uuid TEXT NOT NULL UNIQUE,
  verb TEXT NOT NULL,
  workers TEXT NOT NULL,
  from_generation INTEGER NOT NULL,
  to_generation INTEGER NOT NULL,
  digest TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER,
  verdict TEXT NOT NULL,
  exit_code INTEGER,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX rollouts_running ON rollouts (id) WHERE verdict = 'running';
ALTER TABLE processes ADD COLUMN last_lines TEXT NOT NULL DEFAULT '';
CREATE TABLE worker_states (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  worker TEXT NOT NULL,
  state TEXT NOT NULL,
  generation INTEGER NOT NULL,
  ready INTEGER NOT NULL,
  wanted INTEGER NOT NULL
) STRICT;
CREATE INDEX worker_states_worker ON worker_states (worker, id);
CREATE TABLE health_minutes (
  minute_ms INTEGER NOT NULL,
  worker TEXT NOT NULL,
  probes INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  answered INTEGER NOT NULL,
  latency_sum_us INTEGER NOT NULL,
  latency_max_us INTEGER NOT NULL,
  latency_mean_us INTEGER GENERATED ALWAYS AS (latency_sum_us / nullif(answered, 0)) VIRTUAL,
  PRIMARY KEY (minute_ms, worker)
) STRICT, WITHOUT ROWID;
INSERT INTO health_minutes (minute_ms, worker, probes, failed, answered, latency_sum_us, latency_max_us)
SELECT at_ms / 60000 * 60000, worker, count(*), sum(state = 'unhealthy'), sum(latency_us >= 0),
       sum(max(latency_us, 0)), max(latency_us)
FROM health_samples GROUP BY 1, 2;
)sql"};

} // namespace

int newest_schema() noexcept { return static_cast<int>(migrations.size()); }

void migrate(SQLite::Database& database) {
    const int version = database.execAndGet("PRAGMA user_version").getInt();
    for (auto next = static_cast<std::size_t>(version); next < migrations.size(); ++next) {
        SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
        database.exec("PRAGMA application_id = " + std::to_string(application_id));
        database.exec(migrations[next]);
        database.exec("PRAGMA user_version = " + std::to_string(next + 1));
        transaction.commit();
    }
}

} // namespace mpsup::state
