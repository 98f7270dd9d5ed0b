#include "tests/supervisor/core/worker_fixture.h"

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

using WorkerHealthTest = WorkerTest;

TEST_F(WorkerHealthTest, WritesOneEventWhenTheProbesTurnAndNeverKills) {
    const auto n = serve_light();
    for (int i = 0; i < 10; ++i) worker_.on_probe(n, false, "no answer in time", now_);
    EXPECT_EQ(worker_.state(), WorkerState::degraded);
    EXPECT_EQ(count<Kill>(), 0);
    int changes = 0;
    for (const Effect& effect : worker_.take_effects())
        if (const Note* note = std::get_if<Note>(&effect); note && note->kind == Note::Kind::health_changed) ++changes;
    EXPECT_EQ(changes, 0) << "the one was taken with the count above";
    EXPECT_NE(last_note(Note::Kind::health_changed)->text.find("no answer in time"), std::string::npos);
    worker_.on_probe(n, true, "", now_);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerHealthTest, ReplacesWhatIsBeyondRecoveryStartFirst) {
    WorkerRules rules;
    rules.limits.fails = 3;
    make(rules);
    const auto n = serve_light();
    for (const bool passed : {false, false, true, false, false}) worker_.on_liveness(n, passed, "answered 500", now_);
    EXPECT_EQ(worker_.generations().size(), 1U) << "three in a row";
    worker_.on_liveness(n, false, "answered 500", now_);
    ASSERT_EQ(worker_.generations().size(), 2U);
    EXPECT_EQ(worker_.serving(), n);
    const auto next = worker_.generations().back().number;
    say_hello(next);
    be_ready(next);
    EXPECT_EQ(worker_.serving(), n) << "it has to pass its gate";
    pass_gate(next);
    EXPECT_EQ(worker_.serving(), next);
    EXPECT_EQ(count<SendDrain>(), 1);
}

TEST_F(WorkerHealthTest, ReplacesWhatIsAskedToBeReplaced) {
    worker_.replace(now_);
    EXPECT_EQ(count<Spawn>(), 0) << "nothing serves";
    const auto n = serve_light();
    worker_.replace(now_);
    worker_.replace(now_);
    ASSERT_EQ(worker_.generations().size(), 2U) << "one at a time";
    const auto next = worker_.generations().back().number;
    say_hello(next);
    be_ready(next);
    EXPECT_EQ(worker_.serving(), n) << "it has to pass its gate";
    pass_gate(next);
    EXPECT_EQ(worker_.serving(), next);
    EXPECT_EQ(count<SendDrain>(), 1);
}

TEST_F(WorkerHealthTest, KeepsWhatServesWhenItsSuccessorsAreNoBetter) {
    WorkerRules rules;
    rules.limits.fails = 1;
    make(rules);
    const auto n = serve_light();
    for (int i = 0; i < 20; ++i) {
        worker_.on_probe(n, false, "answered 500", now_);
        worker_.on_liveness(n, false, "answered 500", now_);
        if (worker_.generations().size() > 1) die(worker_.generations().back().number);
        pass(1s);
    }
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(worker_.state(), WorkerState::degraded);
    EXPECT_EQ(count<SendDrain>(), 0);
    EXPECT_EQ(count<Kill>(), 0);
    EXPECT_LT(count<Spawn>(), 12) << "with back-off";
}

TEST_F(WorkerHealthTest, NeverLetsGoOfTheLastReadyOneForOneThatHasNotPassed) {
    WorkerRules rules;
    rules.limits.fails = 1;
    make(rules);
    const auto n = serve_light();
    worker_.on_liveness(n, false, "hangs", now_);
    const auto next = worker_.generations().back().number;
    say_hello(next);
    be_ready(next);
    for (int i = 0; i < 10; ++i) worker_.on_probe(next, false, "answered 500", now_);
    pass(rules.limits.gate + 1s);
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(worker_.ready(), 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
}

} // namespace
} // namespace mpsup::core
