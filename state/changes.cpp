#include "state/changes.h"

#include "base/joined.h"
#include "state/end_columns.h"

#include <SQLiteCpp/Statement.h>

#include <algorithm>

namespace mpsup::state {

namespace {

std::int64_t integer(std::uint64_t value) { return static_cast<std::int64_t>(value); }

void bind_end(SQLite::Statement& statement, int index, const ExitStatus& status) {
    const auto columns = to_columns(status);
    statement.bind(index, std::string(columns.how));
    statement.bind(index + 1, columns.value);
}

// A line a frame, for whoever reads with the sqlite3 shell.
std::string to_lines(const std::vector<std::string>& frames) {
    std::string lines;
    for (std::string frame : frames) {
        std::ranges::replace(frame, '\n', ' ');
        lines += frame + "\n";
    }
    return lines;
}

constexpr std::size_t last_lines_kept = 4096;
constexpr std::int64_t minute = 60'000; // milliseconds

// Whole lines of the end, if there is a whole one.
std::string bounded(const std::string& lines) {
    if (lines.size() <= last_lines_kept) return lines;
    const std::size_t newline = lines.find('\n', lines.size() - last_lines_kept);
    const bool whole = newline != std::string::npos && newline + 1 < lines.size();
    return lines.substr(whole ? newline + 1 : lines.size() - last_lines_kept);
}

struct Writer {
    SQLite::Database& database;

    void operator()(const ProcessRow& row) const {
        SQLite::Statement statement(database, "INSERT INTO processes (uuid, worker, generation, role, "
                                              "intended_ms) VALUES (?,?,?,?,?) ON CONFLICT (uuid) DO NOTHING");
        statement.bind(1, row.uuid);
        statement.bind(2, row.worker);
        statement.bind(3, integer(row.generation));
        statement.bind(4, std::string(to_string(row.role)));
        statement.bind(5, row.at.wall_ms);
        statement.exec();
    }
    void operator()(const ProcessStart& start) const {
        (*this)(start.row);
        SQLite::Statement statement(
            database, "UPDATE processes SET role = ?, pid = ?, start_time = ?, boot_id = ?, ended_ms = NULL, "
                      "how_ended = NULL, end_value = NULL, reason = '' WHERE uuid = ?");
        statement.bind(1, std::string(to_string(start.row.role)));
        statement.bind(2, start.pid);
        statement.bind(3, integer(start.start_time));
        statement.bind(4, start.boot_id);
        statement.bind(5, start.row.uuid);
        statement.exec();
    }
    void operator()(const ProcessExit& exit) const {
        SQLite::Statement statement(
            database, "UPDATE processes SET ended_ms = ?, how_ended = ?, end_value = ?, reason = ?, last_lines = ? "
                      "WHERE uuid = ?");
        statement.bind(1, exit.at.wall_ms);
        bind_end(statement, 2, exit.status);
        statement.bind(4, exit.reason);
        statement.bind(5, bounded(exit.last_lines));
        statement.bind(6, exit.uuid);
        statement.exec();
    }
    void operator()(const EventRow& event) const {
        SQLite::Statement statement(
            database,
            "INSERT INTO events (at_ms, boot_ms, kind, worker, generation, pid, how_ended, end_value, reason, "
            "crash_restarts, planned_restarts, detail) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
        statement.bind(1, event.at.wall_ms);
        statement.bind(2, event.at.boot_ms);
        statement.bind(3, std::string(to_string(event.kind)));
        statement.bind(4, event.worker);
        statement.bind(5, integer(event.generation));
        statement.bind(6, event.pid);
        if (event.exit) bind_end(statement, 7, *event.exit);
        statement.bind(9, event.reason);
        statement.bind(10, event.crash_restarts);
        statement.bind(11, event.planned_restarts);
        statement.bind(12, event.detail);
        statement.exec();
    }
    void operator()(const TopologyRow& topology) const {
        SQLite::Statement statement(database,
                                    "INSERT INTO topologies (applied_ms, digest, path, document) VALUES (?,?,?,?)");
        statement.bind(1, topology.at.wall_ms);
        statement.bind(2, topology.digest);
        statement.bind(3, topology.path);
        statement.bind(4, topology.document);
        statement.exec();
    }
    void operator()(const WorkerRow& worker) const {
        SQLite::Statement statement(
            database, worker.state.empty()
                          ? "DELETE FROM workers WHERE name = ?"
                          : "INSERT OR REPLACE INTO workers (name, state, generation, status, updated_ms) "
                            "VALUES (?,?,?,?,?)");
        statement.bind(1, worker.worker);
        if (!worker.state.empty()) {
            statement.bind(2, worker.state);
            statement.bind(3, integer(worker.generation));
            statement.bind(4, worker.status);
            statement.bind(5, worker.at.wall_ms);
        }
        statement.exec();
        remember_state(worker);
    }
    void operator()(const HealthSample& sample) const {
        SQLite::Statement statement(database, "INSERT INTO health_samples (at_ms, boot_ms, worker, generation, state, "
                                              "latency_us, reason) VALUES (?,?,?,?,?,?,?)");
        statement.bind(1, sample.at.wall_ms);
        statement.bind(2, sample.at.boot_ms);
        statement.bind(3, sample.worker);
        statement.bind(4, integer(sample.generation));
        statement.bind(5, sample.state);
        statement.bind(6, sample.latency_us);
        statement.bind(7, sample.reason);
        statement.exec();
        add_to_minute(sample);
    }
    void operator()(const ProcessSample& sample) const {
        SQLite::Statement statement(database, "INSERT INTO process_samples (at_ms, boot_ms, uuid, requests, "
                                              "private_bytes, shared_bytes) VALUES (?,?,?,?,?,?)");
        statement.bind(1, sample.at.wall_ms);
        statement.bind(2, sample.at.boot_ms);
        statement.bind(3, sample.uuid);
        statement.bind(4, integer(sample.requests));
        statement.bind(5, integer(sample.private_bytes));
        statement.bind(6, integer(sample.shared_bytes));
        statement.exec();
    }
    void operator()(const SlowRow& slow) const {
        SQLite::Statement statement(database, "INSERT INTO slow_requests (at_ms, boot_ms, worker, generation, pid, "
                                              "method, uri, age_ms, fingerprint, frames) VALUES (?,?,?,?,?,?,?,?,?,?)");
        statement.bind(1, slow.at.wall_ms);
        statement.bind(2, slow.at.boot_ms);
        statement.bind(3, slow.worker);
        statement.bind(4, integer(slow.generation));
        statement.bind(5, slow.pid);
        statement.bind(6, slow.method);
        statement.bind(7, slow.uri);
        statement.bind(8, slow.age_ms);
        statement.bind(9, slow.fingerprint);
        statement.bind(10, to_lines(slow.frames));
        statement.exec();
    }
    void operator()(const RolloutRow& rollout) const {
        SQLite::Statement statement(
            database, "INSERT INTO rollouts (uuid, verb, workers, from_generation, to_generation, digest, started_ms, "
                      "ended_ms, verdict, exit_code, reason, detail) VALUES (?,?,?,?,?,?,?,?,?,?,?,?) "
                      "ON CONFLICT (uuid) DO UPDATE SET workers = excluded.workers, "
                      "from_generation = excluded.from_generation, to_generation = excluded.to_generation, "
                      "digest = excluded.digest, ended_ms = excluded.ended_ms, verdict = excluded.verdict, "
                      "exit_code = excluded.exit_code, reason = excluded.reason, detail = excluded.detail");
        statement.bind(1, rollout.uuid);
        statement.bind(2, rollout.verb);
        statement.bind(3, joined(rollout.workers, " "));
        statement.bind(4, integer(rollout.from_generation));
        statement.bind(5, integer(rollout.to_generation));
        statement.bind(6, rollout.digest);
        statement.bind(7, rollout.started.wall_ms);
        if (rollout.ended) statement.bind(8, rollout.ended->wall_ms);
        statement.bind(9, std::string(to_string(rollout.verdict)));
        if (rollout.ended) statement.bind(10, rollout.exit_code);
        statement.bind(11, rollout.reason);
        statement.bind(12, rollout.detail);
        statement.exec();
    }
    void operator()(const Interruption& interruption) const {
        SQLite::Statement statement(database, "UPDATE rollouts SET verdict = 'interrupted', ended_ms = ?, "
                                              "reason = 'the supervisor ended first' WHERE verdict = 'running'");
        statement.bind(1, interruption.at.wall_ms);
        statement.exec();
    }

    void remember_state(const WorkerRow& worker) const {
        SQLite::Statement statement(
            database, "INSERT INTO worker_states (at_ms, worker, state, generation, ready, wanted) "
                      "SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE (?3, ?4, ?5, ?6) IS NOT (SELECT state, generation, ready, "
                      "wanted FROM worker_states WHERE worker = ?2 ORDER BY id DESC LIMIT 1)");
        statement.bind(1, worker.at.wall_ms);
        statement.bind(2, worker.worker);
        statement.bind(3, worker.state);
        statement.bind(4, integer(worker.generation));
        statement.bind(5, static_cast<std::int64_t>(worker.ready));
        statement.bind(6, static_cast<std::int64_t>(worker.wanted));
        statement.exec();
    }
    void add_to_minute(const HealthSample& sample) const {
        SQLite::Statement statement(
            database,
            "INSERT INTO health_minutes (minute_ms, worker, probes, failed, answered, latency_sum_us, "
            "latency_max_us) VALUES (?,?,1,?,?,?,?) ON CONFLICT (minute_ms, worker) DO UPDATE SET "
            "probes = probes + 1, failed = failed + excluded.failed, answered = answered + excluded.answered, "
            "latency_sum_us = latency_sum_us + excluded.latency_sum_us, "
            "latency_max_us = max(latency_max_us, excluded.latency_max_us)");
        statement.bind(1, sample.at.wall_ms / minute * minute);
        statement.bind(2, sample.worker);
        statement.bind(3, sample.state == "unhealthy" ? 1 : 0);
        statement.bind(4, sample.latency_us >= 0 ? 1 : 0);
        statement.bind(5, std::max<std::int64_t>(sample.latency_us, 0));
        statement.bind(6, sample.latency_us);
        statement.exec();
    }
};

} // namespace

bool is_sample(const Change& change) noexcept {
    return std::holds_alternative<HealthSample>(change) || std::holds_alternative<ProcessSample>(change) ||
           std::holds_alternative<SlowRow>(change);
}

bool is_durable(const Change& change) noexcept {
    return std::holds_alternative<ProcessRow>(change) || std::holds_alternative<ProcessStart>(change) ||
           std::holds_alternative<ProcessExit>(change) || std::holds_alternative<TopologyRow>(change) ||
           std::holds_alternative<RolloutRow>(change);
}

void apply(SQLite::Database& database, const Change& change) { std::visit(Writer{database}, change); }

} // namespace mpsup::state
