#include "state/queries.h"

#include "database_folder.h"
#include "state/changes.h"
#include "state/database_file.h"

#include <fstream>

namespace mpsup::state {
namespace {

class QueriesTest : public DatabaseFolder {
protected:
    template <typename... Rows> void given(const Rows&... rows) {
        DatabaseFile file(path_);
        (apply(file.database(), rows), ...);
    }
    [[nodiscard]] Queries queries() const {
        auto opened = Queries::open(path_);
        EXPECT_TRUE(opened) << opened.error().to_string();
        return std::move(*opened);
    }
    [[nodiscard]] std::string reasons(const EventFilter& filter) const {
        std::string text;
        const auto events = queries().events(filter);
        EXPECT_TRUE(events);
        for (const auto& recorded : *events) text += recorded.event.reason;
        return text;
    }
};

TEST_F(QueriesTest, ReadBackAWholeEvent) {
    const EventRow written{.kind = EventKind::child_exited,
                           .worker = "perl",
                           .generation = 7,
                           .pid = 4242,
                           .exit = ExitStatus::signalled(9),
                           .reason = "out of luck",
                           .crash_restarts = 3,
                           .planned_restarts = 4,
                           .detail = "{\"a\":1}",
                           .at = {123456789, 42}};
    given(written);
    const auto events = queries().events({});
    ASSERT_TRUE(events);
    ASSERT_EQ(events->size(), 1U);
    const auto& read = (*events)[0].event;
    EXPECT_EQ((*events)[0].id, 1);
    EXPECT_EQ(read.kind, written.kind);
    EXPECT_EQ(read.worker, written.worker);
    EXPECT_EQ(read.generation, written.generation);
    EXPECT_EQ(read.pid, written.pid);
    EXPECT_EQ(read.exit, written.exit);
    EXPECT_EQ(read.reason, written.reason);
    EXPECT_EQ(read.crash_restarts, 3U);
    EXPECT_EQ(read.planned_restarts, 4U);
    EXPECT_EQ(read.detail, written.detail);
    EXPECT_EQ(read.at, written.at);
}

TEST_F(QueriesTest, GiveTheLastEventsOldestFirst) {
    given(event("a"), event("b"), event("c", "docs"), event("d"));
    EXPECT_EQ(reasons({}), "abcd");
    EXPECT_EQ(reasons({.limit = 2}), "cd");
    EXPECT_EQ(reasons({.worker = "perl"}), "abd");
    EXPECT_EQ(reasons({.worker = "nobody"}), "");
    EXPECT_EQ(reasons({.since_ms = 2001}), "");
    EXPECT_EQ(reasons({.after_id = 1, .limit = 2}), "bc");
    EXPECT_EQ(reasons({.after_id = 4}), "");
}

TEST_F(QueriesTest, PassOverEventsOfLaterVersions) {
    given(event("a"));
    {
        DatabaseFile(path_).database().exec("UPDATE events SET kind = 'exploded'");
    }
    EXPECT_EQ(reasons({}), "");
}

TEST_F(QueriesTest, FindProcessesWhoseEndNobodyRecorded) {
    given(process("intended"), process("running", 2), process("ended"),
          ProcessStart{process("running", 2), 77, 123456, "boot"},
          ProcessStart{{.uuid = "child", .worker = "perl", .generation = 2, .role = ProcessRole::child}, 78, 5, "boot"},
          ProcessExit{.uuid = "ended", .status = ExitStatus::exited(1), .reason = "crash"});
    const auto living = queries().living();
    ASSERT_TRUE(living);
    ASSERT_EQ(living->size(), 3U);
    EXPECT_EQ((*living)[0].start.row.uuid, "intended");
    EXPECT_EQ((*living)[0].start.pid, -1);
    const auto& running = (*living)[1].start;
    EXPECT_EQ(running.row.uuid, "running");
    EXPECT_EQ(running.row.role, ProcessRole::master);
    EXPECT_EQ(running.row.generation, 2U);
    EXPECT_EQ(running.pid, 77);
    EXPECT_EQ(running.start_time, 123456U);
    EXPECT_EQ(running.boot_id, "boot");
    EXPECT_EQ((*living)[2].start.row.role, ProcessRole::child);
    EXPECT_EQ(queries().last_generation("perl").value(), 2U);
    EXPECT_EQ(queries().last_generation("docs").value(), 0U);
}

TEST_F(QueriesTest, KeepHowAProcessEnded) {
    given(process("a"), ProcessExit{.uuid = "a", .status = ExitStatus::signalled(11), .reason = "crash", .at = {5, 0}});
    EXPECT_EQ(scalar("SELECT how_ended || end_value || reason || ended_ms FROM processes"), "signalled11crash5");
}

TEST_F(QueriesTest, GiveTheTopologyAppliedLast) {
    given();
    EXPECT_EQ(queries().last_topology().value(), std::nullopt);
    given(TopologyRow{.digest = "1", .document = "{}", .path = "a"}, TopologyRow{.digest = "2", .at = {9, 0}},
          TopologyRow{.digest = "1", .document = "{}", .path = "b", .at = {7, 0}});
    const auto last = queries().last_topology().value();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->digest, "1");
    EXPECT_EQ(last->path, "b");
    EXPECT_EQ(last->at.wall_ms, 7);
}

TEST_F(QueriesTest, FindATopologyByItsDigestTheOneAppliedLast) {
    given(TopologyRow{.digest = "1", .document = "{}", .path = "a"}, TopologyRow{.digest = "1", .path = "b"},
          TopologyRow{.digest = "2", .path = "c"});
    const auto found = queries().topology("1").value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->path, "b");
    EXPECT_EQ(queries().topology("3").value(), std::nullopt);
}

TEST_F(QueriesTest, GiveTheLastStatusOfWorkersThatBelong) {
    given(WorkerRow{.worker = "b", .state = "ready"}, WorkerRow{.worker = "a", .state = "starting"},
          WorkerRow{.worker = "a", .state = "ready", .generation = 4, .status = "{}"},
          WorkerRow{.worker = "c", .state = "ready"}, WorkerRow{.worker = "c", .state = ""});
    const auto workers = queries().workers().value();
    ASSERT_EQ(workers.size(), 2U);
    EXPECT_EQ(workers[0].worker, "a");
    EXPECT_EQ(workers[0].state, "ready");
    EXPECT_EQ(workers[0].generation, 4U);
    EXPECT_EQ(workers[0].status, "{}");
    EXPECT_EQ(workers[1].worker, "b");
}

TEST_F(QueriesTest, GiveTheLastHealthNewestFirst) {
    given(HealthSample{.worker = "w", .state = "healthy", .latency_us = 10}, HealthSample{.worker = "other"},
          HealthSample{.worker = "w", .generation = 2, .state = "unhealthy", .latency_us = -1, .reason = "503"});
    const auto samples = queries().health("w", 5).value();
    ASSERT_EQ(samples.size(), 2U);
    EXPECT_EQ(samples[0].state, "unhealthy");
    EXPECT_EQ(samples[0].reason, "503");
    EXPECT_EQ(samples[0].latency_us, -1);
    EXPECT_EQ(queries().health("w", 1).value().size(), 1U);
}

TEST_F(QueriesTest, ReadBackAWholeSlowRequest) {
    const SlowRow written{.worker = "perl",
                          .generation = 7,
                          .pid = 4242,
                          .method = "POST",
                          .uri = "/report?year=1999",
                          .age_ms = 12'345,
                          .frames = {"/srv/My Shop/a.pl:3 Shop::a", "", "two\nlines:4 main::b"},
                          .fingerprint = "0123456789abcdef",
                          .at = {123456789, 42}};
    given(written);
    const auto recorded = queries().slow({}).value();
    ASSERT_EQ(recorded.size(), 1U);
    const SlowRow& read = recorded[0].slow;
    EXPECT_EQ(recorded[0].id, 1);
    EXPECT_EQ(read.worker, written.worker);
    EXPECT_EQ(read.generation, written.generation);
    EXPECT_EQ(read.pid, written.pid);
    EXPECT_EQ(read.method, written.method);
    EXPECT_EQ(read.uri, written.uri);
    EXPECT_EQ(read.age_ms, written.age_ms);
    EXPECT_EQ(read.frames, (std::vector<std::string>{"/srv/My Shop/a.pl:3 Shop::a", "", "two lines:4 main::b"}));
    EXPECT_EQ(read.fingerprint, written.fingerprint);
    EXPECT_EQ(read.at, written.at);
}

TEST_F(QueriesTest, GiveTheLastSlowRequestsNewestFirst) {
    auto other = slow("/c");
    other.worker = "docs";
    given(slow("/a"), slow("/b"), other, slow("/d"));
    const auto uris = [&](const SlowFilter& filter) {
        std::string text;
        const auto read = queries().slow(filter).value();
        for (const auto& recorded : read) text += recorded.slow.uri;
        return text;
    };
    EXPECT_EQ(uris({}), "/d/c/b/a");
    EXPECT_EQ(uris({.limit = 2}), "/d/c");
    EXPECT_EQ(uris({.worker = "perl", .limit = 2}), "/d/b");
    EXPECT_EQ(uris({.worker = "nobody"}), "");
    EXPECT_EQ(queries().slow({.limit = 1}).value()[0].slow.frames, std::vector<std::string>());
}

TEST_F(QueriesTest, GroupSlowRequestsByTheirPlace) {
    auto longest = slow("/2", {"a.pl:2 main::a"});
    longest.age_ms = 9000;
    auto elsewhere = slow("/4", {"b.pl:1 main::b"});
    elsewhere.worker = "other";
    auto latest = slow("/3", {"a.pl:3 main::a"});
    latest.at = {4000, 40};
    given(slow("/0", {"b.pl:9 main::b"}), slow("/1", {"a.pl:1 main::a"}), longest, latest, elsewhere);
    const auto groups = queries().slow_groups({}).value();
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].count, 3U);
    EXPECT_EQ(groups[0].longest_ms, 9000);
    EXPECT_EQ(groups[0].latest.uri, "/3");
    EXPECT_EQ(groups[0].latest.frames, std::vector<std::string>{"a.pl:3 main::a"});
    EXPECT_EQ(groups[0].latest.fingerprint, fingerprint_of({"a.pl:7 main::a"}));
    EXPECT_EQ(groups[0].latest.at, (Stamp{4000, 40}));
    EXPECT_EQ(groups[1].count, 2U);
    EXPECT_EQ(groups[1].latest.uri, "/4");
    EXPECT_EQ(queries().slow_groups({.limit = 1}).value().size(), 1U);
    EXPECT_EQ(queries().slow_groups({.worker = "perl"}).value()[1].latest.uri, "/0");
    EXPECT_TRUE(queries().slow_groups({.worker = "nobody"}).value().empty());
}

TEST_F(QueriesTest, AreRefusedWithoutAFittingFile) {
    EXPECT_EQ(Queries::open(path_).error().code, std::errc::no_such_file_or_directory);
    std::ofstream(path_) << "";
    EXPECT_EQ(Queries::open(path_).error().code, std::errc::not_supported);
    std::ofstream(path_) << std::string(5000, 'x');
    EXPECT_FALSE(Queries::open(path_));
    std::filesystem::remove(path_);
    {
        DatabaseFile(path_).database().exec("PRAGMA user_version = 99");
    }
    EXPECT_EQ(Queries::open(path_).error().code, std::errc::not_supported);
}

TEST_F(QueriesTest, ReadsWhatASuccessorNeedsFromAnEarlierSchema) {
    given(ProcessStart{.row = {.uuid = "p1", .worker = "perl", .generation = 3, .role = ProcessRole::master},
                       .pid = 4711,
                       .start_time = 5,
                       .boot_id = "boot"},
          TopologyRow{.digest = "d", .document = "{}", .path = "site.yaml", .at = {5, 0}});
    {
        DatabaseFile file(path_); // schema 2
        file.database().exec("DROP TABLE rollouts; DROP TABLE worker_states; DROP TABLE health_minutes; "
                             "ALTER TABLE processes DROP COLUMN last_lines; PRAGMA user_version = 2");
    }
    EXPECT_EQ(Queries::open(path_).error().code, std::errc::not_supported);
    const auto queries = Queries::open_any(path_);
    ASSERT_TRUE(queries) << queries.error().to_string();
    EXPECT_EQ(queries->living().value().size(), 1U);
    EXPECT_TRUE(queries->last_topology().value().has_value());
    EXPECT_EQ(queries->last_generation("perl").value(), 3U);
    EXPECT_EQ(queries->last_topologies(5).value().size(), 1U);
    EXPECT_TRUE(queries->topology("d").value().has_value());
    EXPECT_TRUE(queries->workers());
    {
        const DatabaseFile migrated(path_);
    }
    EXPECT_TRUE(Queries::open(path_));
}

TEST_F(QueriesTest, EndWithinTheirTimeLimit) {
    { // more than can be looked at in a millisecond
        DatabaseFile(path_).database().exec(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) INSERT INTO events "
            "(at_ms, boot_ms, kind, worker, generation, pid, reason, crash_restarts, planned_restarts, detail) "
            "SELECT 0, 0, 'ready', 'w', 1, 0, '', 0, 0, '' FROM n");
    }
    auto opened = Queries::open(path_, std::chrono::milliseconds(1));
    ASSERT_TRUE(opened) << opened.error().to_string();
    const auto events = opened->events({.since_ms = 1});
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().code, std::errc::timed_out);
}

TEST_F(QueriesTest, DoNotWrite) {
    given(event("a"));
    const auto open = queries();
    const auto before = std::filesystem::last_write_time(path_);
    EXPECT_TRUE(open.events({}));
    EXPECT_EQ(std::filesystem::last_write_time(path_), before);
}

} // namespace
} // namespace mpsup::state
