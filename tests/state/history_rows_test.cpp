// What the history is told from: rollouts, states of workers, last words, minutes.
#include "database_folder.h"
#include "state/changes.h"
#include "state/database_file.h"
#include "state/sqlite_store.h"

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;

class HistoryRows : public DatabaseFolder {
protected:
    [[nodiscard]] static RolloutRow rollout(const std::string& uuid) {
        return {.uuid = uuid, .verb = "restart", .workers = {"perl", "files"}, .started = {1000, 10}};
    }
    [[nodiscard]] static WorkerRow worker(const std::string& state, std::int64_t at_ms, std::uint32_t ready = 0) {
        return {.worker = "perl", .state = state, .generation = 1, .at = {at_ms, 0}, .ready = ready, .wanted = 2};
    }
};

TEST_F(HistoryRows, ARolloutIsWrittenWhenItBeginsAndAgainWhenItEnds) {
    DatabaseFile file(path_);
    auto row = rollout("r");
    apply(file.database(), row);
    EXPECT_EQ(scalar("SELECT verb || workers || verdict || ifnull(ended_ms, '-') || ifnull(exit_code, '-') FROM "
                     "rollouts"),
              "restartperl filesrunning--");
    row.ended = Stamp{3000, 30};
    row.verdict = Verdict::aborted;
    row.exit_code = 6;
    row.reason = "it did not pass";
    apply(file.database(), row);
    EXPECT_EQ(scalar("SELECT count(*) || verdict || ended_ms || exit_code || reason FROM rollouts"),
              "1aborted30006it did not pass");
}

TEST_F(HistoryRows, ARolloutThatRanWhenTheSupervisorEndedWasInterrupted) {
    {
        SqliteStore store(path_);
        store.rollout(rollout("left"));
        auto done = rollout("done");
        done.ended = Stamp{2000, 20};
        done.verdict = Verdict::done;
        store.rollout(done);
        ASSERT_TRUE(store.flush(10s));
    }
    SqliteStore store(path_);
    store.interrupt_rollouts();
    store.rollout(rollout("next"));
    ASSERT_TRUE(store.flush(10s));
    EXPECT_EQ(scalar("SELECT group_concat(uuid || ' ' || verdict) FROM (SELECT * FROM rollouts ORDER BY id)"),
              "left interrupted,done done,next running");
}

TEST_F(HistoryRows, EveryVerdictIsReadBack) {
    for (const auto verdict : {Verdict::running, Verdict::done, Verdict::aborted, Verdict::rolled_back, Verdict::frozen,
                               Verdict::unjudged, Verdict::interrupted})
        EXPECT_EQ(parse_verdict(to_string(verdict)), verdict);
    EXPECT_EQ(parse_verdict("later"), std::nullopt);
}

TEST_F(HistoryRows, AStateOfAWorkerIsKeptWhenItChanges) {
    DatabaseFile file(path_);
    for (const auto& row : {worker("starting", 1), worker("starting", 2), worker("ready", 3, 1), worker("ready", 4, 2),
                            worker("ready", 5, 2), worker("", 6)})
        apply(file.database(), row);
    EXPECT_EQ(scalar("SELECT group_concat(at_ms || state || ready) FROM worker_states"),
              "1starting0,3ready1,4ready2,60");
    EXPECT_EQ(scalar("SELECT count(*) FROM workers"), "0");
}

TEST_F(HistoryRows, LastWordsAreBoundedAndBeginWithAWholeLine) {
    DatabaseFile file(path_);
    apply(file.database(), process("u"));
    std::string lines;
    for (int i = 0; i < 1000; ++i) lines += "line " + std::to_string(i) + "\n";
    apply(file.database(), ProcessExit{.uuid = "u", .last_lines = lines});
    const std::string kept = scalar("SELECT last_lines FROM processes");
    EXPECT_LE(kept.size(), 4096U);
    EXPECT_TRUE(kept.starts_with("line ")) << kept.substr(0, 20);
    EXPECT_TRUE(kept.ends_with("line 999\n"));
    apply(file.database(), ProcessExit{.uuid = "u", .last_lines = std::string(10'000, 'x')});
    EXPECT_EQ(scalar("SELECT length(last_lines) FROM processes"), "4096");
}

TEST_F(HistoryRows, ProbesAreSummedUpByTheMinute) {
    DatabaseFile file(path_);
    const auto probe = [&](std::int64_t at_ms, const std::string& state, std::int64_t latency) {
        apply(file.database(), HealthSample{.worker = "w", .state = state, .latency_us = latency, .at = {at_ms, 0}});
    };
    probe(60'000, "healthy", 100);
    probe(61'000, "healthy", 300);
    probe(119'999, "unhealthy", -1);
    probe(120'000, "unhealthy", -1);
    EXPECT_EQ(scalar("SELECT group_concat(minute_ms || ' ' || probes || ' ' || failed || ' ' || "
                     "ifnull(latency_mean_us, '-') || ' ' || latency_max_us) FROM health_minutes"),
              "60000 3 1 200 300,120000 1 1 - -1");
}

TEST_F(HistoryRows, AreKeptAsLongAsIsWanted) {
    SqliteStore store(path_, {.rows_between_trims = 1});
    const auto probe = [&](std::int64_t age_ms) {
        const auto now = Stamp::now();
        store.sample(HealthSample{.worker = "w", .state = "healthy", .at = {now.wall_ms - age_ms, now.boot_ms}});
        ASSERT_TRUE(store.flush(10s));
    };
    probe(60'000);
    EXPECT_EQ(scalar("SELECT count(*) FROM health_samples"), "1");
    store.set_retention({.raw = 30s});
    probe(0);
    EXPECT_EQ(scalar("SELECT count(*) FROM health_samples"), "1");
    EXPECT_EQ(scalar("SELECT sum(probes) FROM health_minutes"), "2");
}

} // namespace
} // namespace mpsup::state
