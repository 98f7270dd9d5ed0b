#include "database_folder.h"
#include "state/changes.h"
#include "state/database_file.h"
#include "state/queries.h"

namespace mpsup::state {
namespace {

class PastTest : public DatabaseFolder {
protected:
    template <typename... Rows> void given(const Rows&... rows) {
        DatabaseFile file(path_);
        (apply(file.database(), rows), ...);
    }
    [[nodiscard]] Queries queries() const { return std::move(Queries::open(path_).value()); }
    [[nodiscard]] static WorkerRow worker(const std::string& name, const std::string& state, std::int64_t at_ms) {
        return {.worker = name, .state = state, .generation = 4, .at = {at_ms, 0}, .ready = 1, .wanted = 2};
    }
    [[nodiscard]] static ProcessExit ended(const std::string& uuid, const std::string& reason, ExitStatus status,
                                           std::int64_t at_ms) {
        return {.uuid = uuid, .status = status, .reason = reason, .at = {at_ms, 0}, .last_lines = "the end\n"};
    }
};

TEST_F(PastTest, ReadsBackAWholeRollout) {
    const RolloutRow written{.uuid = "r",
                             .verb = "restart",
                             .workers = {"perl", "files"},
                             .from_generation = 3,
                             .to_generation = 4,
                             .digest = "sha256:1",
                             .started = {1000, 0},
                             .ended = Stamp{3000, 0},
                             .verdict = Verdict::rolled_back,
                             .exit_code = 7,
                             .reason = "too many errors",
                             .detail = "{}"};
    given(written);
    const auto read = queries().rollouts({}).value();
    ASSERT_EQ(read.size(), 1U);
    EXPECT_EQ(read[0].uuid, written.uuid);
    EXPECT_EQ(read[0].verb, written.verb);
    EXPECT_EQ(read[0].workers, written.workers);
    EXPECT_EQ(read[0].from_generation, 3U);
    EXPECT_EQ(read[0].to_generation, 4U);
    EXPECT_EQ(read[0].digest, written.digest);
    EXPECT_EQ(read[0].started, written.started);
    EXPECT_EQ(read[0].ended, written.ended);
    EXPECT_EQ(read[0].verdict, written.verdict);
    EXPECT_EQ(read[0].exit_code, 7);
    EXPECT_EQ(read[0].reason, written.reason);
    EXPECT_EQ(read[0].detail, written.detail);
}

TEST_F(PastTest, TellsOfRolloutsByWorkerTimeAndNumber) {
    given(RolloutRow{.uuid = "1", .verb = "up", .started = {1000, 0}},
          RolloutRow{.uuid = "2", .verb = "restart", .workers = {"perl"}, .started = {2000, 0}},
          RolloutRow{.uuid = "3", .verb = "restart", .workers = {"perl2"}, .started = {3000, 0}});
    const auto names = [&](const PastFilter& filter) {
        std::string text;
        const auto rollouts = queries().rollouts(filter);
        for (const auto& rollout : *rollouts) text += rollout.uuid;
        return text;
    };
    EXPECT_EQ(names({}), "123");
    EXPECT_EQ(names({.worker = "perl"}), "12");
    EXPECT_EQ(names({.since_ms = 2000}), "23");
    EXPECT_EQ(names({.limit = 1}), "3");
}

TEST_F(PastTest, CountsCrashesAndPlannedRestartsApart) {
    given(process("a"), process("b"), process("c"), process("d"), process("e"), process("f"),
          ended("a", "crash", ExitStatus::exited(3), 10), ended("b", "planned", ExitStatus::signalled(9), 20),
          ended("c", "requests", ExitStatus::exited(0), 30),
          ended("d", "request_timeout", ExitStatus::signalled(9), 40),
          ended("e", "a child took over", ExitStatus::signalled(9), 50));
    auto planned = event("");
    planned.kind = EventKind::rollout_finished;
    planned.reason = "settled, judged good";
    auto back = planned;
    back.reason = "rolled back";
    auto failed = planned;
    failed.reason = "failed: it did not become ready";
    given(planned, back, failed);
    const auto crashes = queries().crashes({}).value();
    ASSERT_EQ(crashes.size(), 2U);
    EXPECT_EQ(crashes[0].process.row.uuid, "a");
    EXPECT_EQ(crashes[0].status, ExitStatus::exited(3));
    EXPECT_EQ(crashes[0].last_lines, "the end\n");
    EXPECT_EQ(crashes[1].reason, "request_timeout");
    EXPECT_TRUE(queries().crashes({.worker = "other"}).value().empty());
    EXPECT_EQ(queries().crashes({.since_ms = 11}).value().size(), 1U);
    const auto counts = queries().restart_counts({}).value();
    ASSERT_EQ(counts.size(), 1U);
    EXPECT_EQ(counts[0].worker, "perl");
    EXPECT_EQ(counts[0].crashes, 2U);
    EXPECT_EQ(counts[0].planned, 2U) << "what was taken back replaced nothing";
}

TEST_F(PastTest, CallsWhatWasKilledBeforeItWasReadyNoCrash) {
    given(process("a"), ended("a", "it did not become ready", ExitStatus::signalled(9), 10));
    EXPECT_TRUE(queries().crashes({}).value().empty());
}

TEST_F(PastTest, TellsOfEventsOfSomeKinds) {
    auto started = event("began", "");
    started.kind = EventKind::supervisor_started;
    given(event("other"), started);
    EventFilter filter;
    filter.kinds.push_back(EventKind::adopted);
    EXPECT_EQ(queries().events(filter).value().size(), 0U);
    filter.kinds.push_back(EventKind::supervisor_started);
    EXPECT_EQ(queries().events(filter).value().size(), 1U);
}

TEST_F(PastTest, TellsOfTopologiesWithoutTheirDocuments) {
    given(TopologyRow{.digest = "d", .document = "{}", .path = "site.yaml", .at = {5, 0}});
    const auto topologies = queries().topologies({}).value();
    ASSERT_EQ(topologies.size(), 1U);
    EXPECT_EQ(topologies[0].path, "site.yaml");
    EXPECT_TRUE(queries().topologies({.since_ms = 6}).value().empty());
}

TEST_F(PastTest, KnowsHowTheSiteWas) {
    auto began = event("", "");
    began.kind = EventKind::supervisor_started;
    began.at = {100, 0};
    auto stopped = began;
    stopped.kind = EventKind::supervisor_stopped;
    stopped.at = {500, 0};
    given(began, worker("perl", "starting", 100), worker("files", "ready", 200), worker("perl", "ready", 300),
          worker("files", "", 400), stopped);
    EXPECT_EQ(queries().site_at(50).value().begins_ms, 100);
    EXPECT_TRUE(queries().site_at(50).value().workers.empty());
    const auto early = queries().site_at(250).value();
    EXPECT_TRUE(early.supervisor_runs);
    ASSERT_EQ(early.workers.size(), 2U);
    EXPECT_EQ(early.workers[0].worker, "files");
    EXPECT_EQ(early.workers[1].state, "starting");
    const auto late = queries().site_at(600).value();
    EXPECT_FALSE(late.supervisor_runs);
    ASSERT_EQ(late.workers.size(), 1U);
    EXPECT_EQ(late.workers[0].state, "ready");
    EXPECT_EQ(late.workers[0].since_ms, 300);
    EXPECT_EQ(late.workers[0].ready, 1U);
    EXPECT_EQ(late.workers[0].wanted, 2U);
}

TEST_F(PastTest, DoesNotClaimToKnowWhatASupervisorDidThatHadBeenKilled) {
    auto began = event("", "");
    began.kind = EventKind::supervisor_started;
    began.at = {100, 0};
    auto again = began;
    again.at = {900, 0};
    given(began, worker("perl", "ready", 300), again);
    EXPECT_EQ(queries().site_at(250).value().silent_since_ms, 0);
    const auto meanwhile = queries().site_at(600).value();
    EXPECT_EQ(meanwhile.silent_since_ms, 300);
    EXPECT_EQ(meanwhile.silent_until_ms, 900);
    EXPECT_EQ(meanwhile.workers.size(), 1U) << "the last that is known";
    EXPECT_EQ(queries().site_at(950).value().silent_since_ms, 0);
}

} // namespace
} // namespace mpsup::state
