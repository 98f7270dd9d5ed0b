// What the second version of the program left on the disk: never changed.
#pragma once

namespace mpsup::state {

constexpr const char* version_2 = R"sql(
PRAGMA application_id = 1836086133;
PRAGMA user_version = 2;
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
INSERT INTO topologies VALUES (1, 1000, 'digest', 'site.yaml', '{}');
INSERT INTO workers VALUES ('perl', 'ready', 3, '{}', 1000);
INSERT INTO processes VALUES ('u', 'perl', 3, 'master', 1000, 77, 88, 'boot', NULL, NULL, NULL, NULL);
INSERT INTO events VALUES (9, 1000, 10, 'ready', 'perl', 3, 77, NULL, NULL, 'as it was', 1, 2, '');
INSERT INTO health_samples VALUES (1, 1000, 10, 'perl', 3, 'healthy', 500, '');
INSERT INTO health_samples VALUES (2, 59999, 11, 'perl', 3, 'unhealthy', -1, 'gone');
INSERT INTO health_samples VALUES (3, 60000, 12, 'perl', 3, 'healthy', 700, '');
INSERT INTO slow_requests VALUES (4, 1000, 10, 'perl', 3, 77, 'GET', '/slow', 2000, 'f', 'a.pl:1 main');
INSERT INTO process_samples VALUES (1, 1000, 10, 'u', 5, 6, 7);
)sql";

} // namespace mpsup::state
