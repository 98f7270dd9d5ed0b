#include "state/queries.h"

#include "state/connection.h"
#include "state/end_columns.h"
#include "state/schema.h"

#include <algorithm>
#include <sstream>
#include <sys/stat.h>

namespace mpsup::state {

namespace {

std::optional<RecordedEvent> read_event(SQLite::Statement& row) {
    const auto kind = parse_event_kind(row.getColumn(3).getString());
    if (!kind) return std::nullopt; // of a later version
    EventRow event{.kind = *kind,
                   .worker = row.getColumn(4).getString(),
                   .generation = unsigned_at(row, 5),
                   .pid = row.getColumn(6).getInt(),
                   .reason = row.getColumn(9).getString(),
                   .crash_restarts = row.getColumn(10).getUInt(),
                   .planned_restarts = row.getColumn(11).getUInt(),
                   .detail = row.getColumn(12).getString(),
                   .at = {row.getColumn(1).getInt64(), row.getColumn(2).getInt64()}};
    if (!row.getColumn(7).isNull()) event.exit = from_columns(row.getColumn(7).getString(), row.getColumn(8).getInt());
    return RecordedEvent{row.getColumn(0).getInt64(), std::move(event)};
}

std::vector<std::string> from_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

TopologyRow read_topology(SQLite::Statement& row) {
    return {row.getColumn(0).getString(), row.getColumn(1).getString(), row.getColumn(2).getString(),
            Stamp{row.getColumn(3).getInt64(), 0}};
}

// The columns of the table after `id`, beginning with column `first`.
SlowRow read_slow(SQLite::Statement& row, int first) {
    return {.worker = row.getColumn(first + 2).getString(),
            .generation = unsigned_at(row, first + 3),
            .pid = row.getColumn(first + 4).getInt(),
            .method = row.getColumn(first + 5).getString(),
            .uri = row.getColumn(first + 6).getString(),
            .age_ms = row.getColumn(first + 7).getInt64(),
            .frames = from_lines(row.getColumn(first + 9).getString()),
            .fingerprint = row.getColumn(first + 8).getString(),
            .at = {row.getColumn(first).getInt64(), row.getColumn(first + 1).getInt64()}};
}

} // namespace

Queries::Queries(std::unique_ptr<Connection> connection) noexcept : connection_(std::move(connection)) {}
Queries::Queries(Queries&&) noexcept = default;
Queries& Queries::operator=(Queries&&) noexcept = default;
Queries::~Queries() = default;

Result<Queries> Queries::open(const std::string& path, std::chrono::milliseconds limit) {
    return open(path, limit, newest_schema());
}

Result<Queries> Queries::open_any(const std::string& path, std::chrono::milliseconds limit) {
    constexpr int first_schema = 1;
    return open(path, limit, first_schema);
}

Result<Queries> Queries::open(const std::string& path, std::chrono::milliseconds limit, int oldest) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return system_failure("open " + path);
    try {
        auto connection = std::make_unique<Connection>(path, limit);
        const int version = connection->database.execAndGet("PRAGMA user_version").getInt();
        if (version < oldest || version > newest_schema())
            return std::unexpected(Error{path + " has schema " + std::to_string(version) + ", this program reads " +
                                             std::to_string(newest_schema()),
                                         std::make_error_code(std::errc::not_supported)});
        return Queries(std::move(connection));
    } catch (const SQLite::Exception& error) {
        return std::unexpected(to_error(error));
    }
}

Result<std::vector<RecordedEvent>> Queries::events(const EventFilter& filter) const {
    // The first so many after an event, or the last so many of all.
    const auto* sql = filter.after_id > 0
                          ? "SELECT * FROM events WHERE id > ?1 AND (?2 = '' OR worker = ?2) AND at_ms >= ?3 "
                            "AND (?5 = '' OR instr(?5, ' ' || kind || ' ') > 0) ORDER BY id LIMIT ?4"
                          : "SELECT * FROM events WHERE id > ?1 AND (?2 = '' OR worker = ?2) AND at_ms >= ?3 "
                            "AND (?5 = '' OR instr(?5, ' ' || kind || ' ') > 0) ORDER BY id DESC LIMIT ?4";
    std::string kinds;
    for (const auto kind : filter.kinds) kinds += (kinds.empty() ? " " : "") + std::string(to_string(kind)) + " ";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        rows.bind(5, kinds);
        rows.bind(1, filter.after_id);
        rows.bind(2, filter.worker);
        rows.bind(3, filter.since_ms);
        rows.bind(4, static_cast<std::int64_t>(filter.limit));
        std::vector<RecordedEvent> events;
        while (rows.executeStep())
            if (auto event = read_event(rows)) events.push_back(std::move(*event));
        if (filter.after_id <= 0) std::ranges::reverse(events);
        return events;
    });
}

Result<std::vector<RecordedProcess>> Queries::living() const {
    constexpr auto sql = "SELECT uuid, worker, generation, role, intended_ms, ifnull(pid, -1), ifnull(start_time, 0), "
                         "ifnull(boot_id, '') FROM processes WHERE ended_ms IS NULL ORDER BY intended_ms, uuid";
    return connection_->run(sql, [](SQLite::Statement& rows) {
        std::vector<RecordedProcess> processes;
        while (rows.executeStep()) {
            ProcessRow row{rows.getColumn(0).getString(), rows.getColumn(1).getString(), unsigned_at(rows, 2),
                           parse_role(rows.getColumn(3).getString()).value_or(ProcessRole::light),
                           Stamp{rows.getColumn(4).getInt64(), 0}};
            processes.push_back(
                {{std::move(row), rows.getColumn(5).getInt(), unsigned_at(rows, 6), rows.getColumn(7).getString()}});
        }
        return processes;
    });
}

Result<std::optional<TopologyRow>> Queries::last_topology() const {
    constexpr auto sql = "SELECT digest, document, path, applied_ms FROM topologies ORDER BY id DESC LIMIT 1";
    return connection_->run(sql, [](SQLite::Statement& rows) -> std::optional<TopologyRow> {
        if (!rows.executeStep()) return std::nullopt;
        return read_topology(rows);
    });
}

Result<std::optional<TopologyRow>> Queries::topology(const std::string& digest) const {
    constexpr auto sql =
        "SELECT digest, document, path, applied_ms FROM topologies WHERE digest = ? ORDER BY id DESC LIMIT 1";
    return connection_->run(sql, [&](SQLite::Statement& rows) -> std::optional<TopologyRow> {
        rows.bind(1, digest);
        if (!rows.executeStep()) return std::nullopt;
        return read_topology(rows);
    });
}

Result<std::vector<TopologyRow>> Queries::last_topologies(std::size_t limit) const {
    constexpr auto sql = "SELECT digest, document, path, applied_ms FROM topologies ORDER BY id DESC LIMIT ?";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        rows.bind(1, static_cast<std::int64_t>(limit));
        std::vector<TopologyRow> topologies;
        while (rows.executeStep()) topologies.push_back(read_topology(rows));
        return topologies;
    });
}

Result<std::vector<WorkerRow>> Queries::workers() const {
    constexpr auto sql = "SELECT name, state, generation, status, updated_ms FROM workers ORDER BY name";
    return connection_->run(sql, [](SQLite::Statement& rows) {
        std::vector<WorkerRow> workers;
        while (rows.executeStep())
            workers.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString(), unsigned_at(rows, 2),
                               rows.getColumn(3).getString(), Stamp{rows.getColumn(4).getInt64(), 0}});
        return workers;
    });
}

Result<std::vector<HealthSample>> Queries::health(const std::string& worker, std::size_t limit) const {
    constexpr auto sql = "SELECT worker, generation, state, latency_us, reason, at_ms, boot_ms FROM health_samples "
                         "WHERE worker = ? ORDER BY id DESC LIMIT ?";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        rows.bind(1, worker);
        rows.bind(2, static_cast<std::int64_t>(limit));
        std::vector<HealthSample> samples;
        while (rows.executeStep())
            samples.push_back({rows.getColumn(0).getString(), unsigned_at(rows, 1), rows.getColumn(2).getString(),
                               rows.getColumn(3).getInt64(), rows.getColumn(4).getString(),
                               Stamp{rows.getColumn(5).getInt64(), rows.getColumn(6).getInt64()}});
        return samples;
    });
}

Result<std::vector<RecordedSlow>> Queries::slow(const SlowFilter& filter) const {
    const auto* sql = filter.worker.empty() ? "SELECT * FROM slow_requests ORDER BY id DESC LIMIT ?2"
                                            : "SELECT * FROM slow_requests WHERE worker = ?1 ORDER BY id DESC LIMIT ?2";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        rows.bind(1, filter.worker);
        rows.bind(2, static_cast<std::int64_t>(filter.limit));
        std::vector<RecordedSlow> slow;
        while (rows.executeStep()) slow.push_back({rows.getColumn(0).getInt64(), read_slow(rows, 1)});
        return slow;
    });
}

Result<std::vector<SlowGroup>> Queries::slow_groups(const SlowFilter& filter) const {
    // Counted in the index alone: the rows are large.
    constexpr auto sql =
        "WITH groups AS (SELECT count(*) AS requests, max(age_ms) AS longest, max(id) AS latest FROM slow_requests "
        "WHERE ?1 = '' OR worker = ?1 GROUP BY fingerprint ORDER BY requests DESC, latest DESC LIMIT ?2) "
        "SELECT requests, longest, slow_requests.* FROM groups JOIN slow_requests ON id = latest "
        "ORDER BY requests DESC, latest DESC";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        rows.bind(1, filter.worker);
        rows.bind(2, static_cast<std::int64_t>(filter.limit));
        std::vector<SlowGroup> groups;
        while (rows.executeStep())
            groups.push_back({unsigned_at(rows, 0), rows.getColumn(1).getInt64(), read_slow(rows, 3)});
        return groups;
    });
}

Result<std::uint64_t> Queries::last_generation(const std::string& worker) const {
    return connection_->run("SELECT ifnull(max(generation), 0) FROM processes WHERE worker = ?",
                            [&](SQLite::Statement& rows) {
                                rows.bind(1, worker);
                                return rows.executeStep() ? unsigned_at(rows, 0) : 0;
                            });
}

} // namespace mpsup::state
