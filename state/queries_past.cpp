// The questions of `mpsup history` and `mpsup status --at`.
#include "state/connection.h"
#include "state/end_columns.h"

#include <algorithm>
#include <sstream>
#include <tuple>
#include <utility>

namespace mpsup::state {

namespace {

// What nobody asked for: a process that is told to end and has to be killed is still a planned end.
#define MPSUP_IS_CRASH                                                                                                 \
    "(reason = 'crash' OR (how_ended = 'signalled' AND reason NOT IN ('planned', 'a child took over', "                \
    "'it did not become ready')))"

std::vector<std::string> words_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
}

void bind(SQLite::Statement& rows, const PastFilter& filter) {
    rows.bind(1, filter.worker);
    rows.bind(2, filter.since_ms);
    rows.bind(3, static_cast<std::int64_t>(filter.limit));
}

RolloutRow read_rollout(SQLite::Statement& row) {
    RolloutRow rollout{.uuid = row.getColumn(1).getString(),
                       .verb = row.getColumn(2).getString(),
                       .workers = words_of(row.getColumn(3).getString()),
                       .from_generation = unsigned_at(row, 4),
                       .to_generation = unsigned_at(row, 5),
                       .digest = row.getColumn(6).getString(),
                       .started = {row.getColumn(7).getInt64(), 0},
                       .verdict = parse_verdict(row.getColumn(9).getString()).value_or(Verdict::done),
                       .exit_code = row.getColumn(10).getInt(),
                       .reason = row.getColumn(11).getString(),
                       .detail = row.getColumn(12).getString()};
    if (!row.getColumn(8).isNull()) rollout.ended = Stamp{row.getColumn(8).getInt64(), 0};
    return rollout;
}

RecordedCrash read_crash(SQLite::Statement& row) {
    RecordedCrash crash;
    crash.process.row = {row.getColumn(0).getString(), row.getColumn(1).getString(), unsigned_at(row, 2),
                         parse_role(row.getColumn(3).getString()).value_or(ProcessRole::light), Stamp{}};
    crash.process.pid = row.getColumn(4).getInt();
    crash.status = from_columns(row.getColumn(5).getString(), row.getColumn(6).getInt());
    crash.reason = row.getColumn(7).getString();
    crash.last_lines = row.getColumn(8).getString();
    crash.at_ms = row.getColumn(9).getInt64();
    return crash;
}

} // namespace

Result<std::vector<RolloutRow>> Queries::rollouts(const PastFilter& filter) const {
    constexpr auto sql = "SELECT * FROM rollouts WHERE (?1 = '' OR workers = '' OR "
                         "instr(' ' || workers || ' ', ' ' || ?1 || ' ') > 0) AND started_ms >= ?2 "
                         "ORDER BY id DESC LIMIT ?3";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        bind(rows, filter);
        std::vector<RolloutRow> rollouts;
        while (rows.executeStep()) rollouts.push_back(read_rollout(rows));
        std::ranges::reverse(rollouts);
        return rollouts;
    });
}

Result<std::vector<RecordedCrash>> Queries::crashes(const PastFilter& filter) const {
    constexpr auto sql =
        "SELECT uuid, worker, generation, role, ifnull(pid, 0), how_ended, end_value, reason, last_lines, ended_ms "
        "FROM processes WHERE (?1 = '' OR worker = ?1) AND ended_ms >= ?2 AND " MPSUP_IS_CRASH
        " ORDER BY ended_ms DESC, uuid LIMIT ?3";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        bind(rows, filter);
        std::vector<RecordedCrash> crashes;
        while (rows.executeStep()) crashes.push_back(read_crash(rows));
        std::ranges::reverse(crashes);
        return crashes;
    });
}

Result<std::vector<TopologyRow>> Queries::topologies(const PastFilter& filter) const {
    constexpr auto sql = "SELECT digest, path, applied_ms FROM topologies WHERE applied_ms >= ?2 AND ?1 = ?1 "
                         "ORDER BY id DESC LIMIT ?3";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        bind(rows, filter);
        std::vector<TopologyRow> topologies;
        while (rows.executeStep())
            topologies.push_back({rows.getColumn(0).getString(), "", rows.getColumn(1).getString(),
                                  Stamp{rows.getColumn(2).getInt64(), 0}});
        std::ranges::reverse(topologies);
        return topologies;
    });
}

Result<std::vector<RestartCounts>> Queries::restart_counts(const PastFilter& filter) const {
    constexpr auto sql =
        "SELECT worker, sum(crash), sum(planned) FROM ("
        "SELECT worker, 1 AS crash, 0 AS planned FROM processes WHERE ended_ms >= ?2 AND " MPSUP_IS_CRASH
        " UNION ALL SELECT worker, 0, 1 FROM events WHERE kind = 'rollout_finished' AND at_ms >= ?2 "
        "AND (reason LIKE 'settled%' OR reason = 'rolled back')) "
        "WHERE ?1 = '' OR worker = ?1 GROUP BY worker ORDER BY worker LIMIT max(?3, 1000000)";
    return connection_->run(sql, [&](SQLite::Statement& rows) {
        bind(rows, filter);
        std::vector<RestartCounts> counts;
        while (rows.executeStep())
            counts.push_back({rows.getColumn(0).getString(), unsigned_at(rows, 1), unsigned_at(rows, 2)});
        return counts;
    });
}

Result<PastSite> Queries::site_at(std::int64_t wall_ms) const {
    constexpr auto of_site =
        "SELECT ifnull((SELECT min(at_ms) FROM worker_states), 0), ifnull((SELECT kind = 'supervisor_started' "
        "FROM events WHERE kind IN ('supervisor_started', 'supervisor_stopped') AND at_ms <= ? ORDER BY id DESC "
        "LIMIT 1), 0)";
    auto site = connection_->run(of_site, [&](SQLite::Statement& rows) {
        rows.bind(1, wall_ms);
        PastSite past;
        if (!rows.executeStep()) return past;
        past.begins_ms = rows.getColumn(0).getInt64();
        past.supervisor_runs = rows.getColumn(1).getInt() != 0;
        return past;
    });
    if (!site) return site;
    // A supervisor that starts after one that did not stop: that one ended in between, soon after the last that it wrote.
    constexpr auto of_silence =
        "WITH next AS (SELECT id, at_ms, kind FROM events WHERE kind IN ('supervisor_started', 'supervisor_stopped') "
        "AND at_ms > ?1 ORDER BY id LIMIT 1) "
        "SELECT next.at_ms, max(ifnull((SELECT max(at_ms) FROM events WHERE id < next.id), 0), "
        "ifnull((SELECT max(at_ms) FROM health_samples WHERE at_ms < next.at_ms), 0), "
        "ifnull((SELECT max(at_ms) FROM worker_states WHERE at_ms < next.at_ms), 0)) "
        "FROM next WHERE kind = 'supervisor_started'";
    auto silence = connection_->run(of_silence, [&](SQLite::Statement& rows) {
        rows.bind(1, wall_ms);
        std::pair<std::int64_t, std::int64_t> found{0, 0};
        if (rows.executeStep()) found = {rows.getColumn(1).getInt64(), rows.getColumn(0).getInt64()};
        return found;
    });
    if (!silence) return std::unexpected(silence.error());
    if (site->supervisor_runs && silence->second > 0 && silence->first < wall_ms)
        std::tie(site->silent_since_ms, site->silent_until_ms) = *silence;
    constexpr auto of_workers =
        "SELECT worker, state, generation, ready, wanted, at_ms FROM worker_states WHERE id IN "
        "(SELECT max(id) FROM worker_states WHERE at_ms <= ? GROUP BY worker) AND state <> '' ORDER BY worker";
    auto workers = connection_->run(of_workers, [&](SQLite::Statement& rows) {
        rows.bind(1, wall_ms);
        std::vector<PastState> states;
        while (rows.executeStep())
            states.push_back({rows.getColumn(0).getString(), rows.getColumn(1).getString(), unsigned_at(rows, 2),
                              rows.getColumn(3).getUInt(), rows.getColumn(4).getUInt(), rows.getColumn(5).getInt64()});
        return states;
    });
    if (!workers) return std::unexpected(workers.error());
    site->workers = std::move(*workers);
    return site;
}

} // namespace mpsup::state
