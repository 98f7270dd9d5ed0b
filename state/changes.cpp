#include "state/changes.h"

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
            database, "UPDATE processes SET ended_ms = ?, how_ended = ?, end_value = ?, reason = ? WHERE uuid = ?");
        statement.bind(1, exit.at.wall_ms);
        bind_end(statement, 2, exit.status);
        statement.bind(4, exit.reason);
        statement.bind(5, exit.uuid);
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
};

} // namespace

bool is_sample(const Change& change) noexcept {
    return std::holds_alternative<HealthSample>(change) || std::holds_alternative<ProcessSample>(change) ||
           std::holds_alternative<SlowRow>(change);
}

bool is_durable(const Change& change) noexcept {
    return std::holds_alternative<ProcessRow>(change) || std::holds_alternative<ProcessStart>(change) ||
           std::holds_alternative<ProcessExit>(change) || std::holds_alternative<TopologyRow>(change);
}

void apply(SQLite::Database& database, const Change& change) { std::visit(Writer{database}, change); }

} // namespace mpsup::state
