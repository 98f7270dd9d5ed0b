#include "state/queries.h"

#include "state/schema.h"

#include <chrono>
#include <sqlite3.h>

namespace mpsup {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto time_limit = std::chrono::seconds(1);
constexpr int instructions_between_looks = 10'000;
constexpr int busy_patience_ms = 200;

int is_late(void* deadline) { return Clock::now() > *static_cast<Clock::time_point*>(deadline) ? 1 : 0; }

EventRow read_event(SQLite::Statement& row) {
    EventRow event;
    event.id = row.getColumn(0).getInt64();
    event.at_ms = row.getColumn(1).getInt64();
    event.kind = row.getColumn(2).getString();
    event.worker = row.getColumn(3).getString();
    event.generation = static_cast<std::uint64_t>(row.getColumn(4).getInt64());
    event.pid = row.getColumn(5).getInt();
    if (!row.getColumn(6).isNull()) event.signal = row.getColumn(6).getInt();
    if (!row.getColumn(7).isNull()) event.exit_code = row.getColumn(7).getInt();
    event.planned = row.getColumn(8).getInt() != 0;
    event.crashes = row.getColumn(9).getInt();
    event.planned_restarts = row.getColumn(10).getInt();
    event.text = row.getColumn(11).getString();
    return event;
}

WorkerRow read_worker(SQLite::Statement& row) {
    return {row.getColumn(0).getString(), row.getColumn(1).getString(),
            row.getColumn(2).getString(), static_cast<std::uint64_t>(row.getColumn(3).getInt64()),
            row.getColumn(4).getInt(),    row.getColumn(5).getInt(),
            row.getColumn(6).getInt(),    row.getColumn(7).getInt(),
            row.getColumn(8).getString(), row.getColumn(9).getInt64()};
}

ProcessRow read_process(SQLite::Statement& row) {
    return {row.getColumn(0).getString(),
            row.getColumn(1).getString(),
            static_cast<std::uint64_t>(row.getColumn(2).getInt64()),
            row.getColumn(3).getString(),
            row.getColumn(4).getInt(),
            static_cast<std::uint64_t>(row.getColumn(5).getInt64()),
            row.getColumn(6).getString()};
}

} // namespace

class Queries::Impl {
public:
    explicit Impl(const std::string& path) : database_(path, SQLite::OPEN_READONLY, busy_patience_ms) {
        const int version = database_.execAndGet("PRAGMA user_version").getInt();
        if (version != newest_schema())
            throw SQLite::Exception("the database has schema " + std::to_string(version) + ", this program reads " +
                                    std::to_string(newest_schema()));
        ::sqlite3_progress_handler(database_.getHandle(), instructions_between_looks, is_late, &deadline_);
    }

    // Runs `ask` under the time limit and turns what SQLite throws into a value.
    template <typename Ask> auto answer(Ask ask) -> Result<decltype(ask(std::declval<SQLite::Database&>()))> {
        deadline_ = Clock::now() + time_limit;
        try {
            return ask(database_);
        } catch (const SQLite::Exception& exception) {
            return failure(std::string("read the history: ") + exception.what());
        }
    }

private:
    SQLite::Database database_;
    Clock::time_point deadline_;
};

Queries::Queries(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Queries::~Queries() = default;
Queries::Queries(Queries&&) noexcept = default;
Queries& Queries::operator=(Queries&&) noexcept = default;

Result<Queries> Queries::open(const std::string& path) {
    try {
        return Queries(std::make_unique<Impl>(path));
    } catch (const SQLite::Exception& exception) {
        return failure("open " + path + ": " + exception.what());
    }
}

Result<std::vector<EventRow>> Queries::events(const EventFilter& filter) {
    return impl_->answer([&](SQLite::Database& database) {
        SQLite::Statement rows(database,
                               "SELECT * FROM (SELECT id, at_ms, kind, worker, generation, pid, signal, exit_code, "
                               "planned, crashes, planned_restarts, text FROM events WHERE id > ?1 AND "
                               "(?2 = '' OR worker = ?2) ORDER BY id DESC LIMIT ?3) ORDER BY id");
        rows.bind(1, filter.after_id);
        rows.bind(2, filter.worker);
        rows.bind(3, filter.limit);
        std::vector<EventRow> events;
        while (rows.executeStep()) events.push_back(read_event(rows));
        return events;
    });
}

Result<std::vector<WorkerRow>> Queries::workers() {
    return impl_->answer([&](SQLite::Database& database) {
        SQLite::Statement rows(database, "SELECT name, kind, state, generation, ready, wanted, crashes, "
                                         "planned_restarts, health, updated_ms FROM workers ORDER BY name");
        std::vector<WorkerRow> workers;
        while (rows.executeStep()) workers.push_back(read_worker(rows));
        return workers;
    });
}

Result<std::vector<ProcessRow>> Queries::living_processes() {
    return impl_->answer([&](SQLite::Database& database) {
        SQLite::Statement rows(database,
                               "SELECT uuid, worker, generation, role, ifnull(pid, 0), ifnull(start_time, 0), "
                               "ifnull(boot_id, '') FROM processes WHERE state <> 'ended'");
        std::vector<ProcessRow> processes;
        while (rows.executeStep()) processes.push_back(read_process(rows));
        return processes;
    });
}

Result<std::optional<TopologyRow>> Queries::last_topology() {
    return impl_->answer([&](SQLite::Database& database) -> std::optional<TopologyRow> {
        SQLite::Statement rows(database,
                               "SELECT digest, path, document, applied_ms FROM topologies ORDER BY id DESC LIMIT 1");
        if (!rows.executeStep()) return std::nullopt;
        return TopologyRow{rows.getColumn(0).getString(), rows.getColumn(1).getString(), rows.getColumn(2).getString(),
                           rows.getColumn(3).getInt64()};
    });
}

Result<std::uint64_t> Queries::last_generation(const std::string& worker) {
    return impl_->answer([&](SQLite::Database& database) {
        SQLite::Statement rows(database, "SELECT ifnull(max(generation), 0) FROM processes WHERE worker = ?");
        rows.bind(1, worker);
        rows.executeStep();
        return static_cast<std::uint64_t>(rows.getColumn(0).getInt64());
    });
}

} // namespace mpsup
