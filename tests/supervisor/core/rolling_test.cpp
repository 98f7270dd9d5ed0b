#include "tests/supervisor/core/worker_fixture.h"

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

using RollingTest = WorkerTest;

TEST_F(RollingTest, KeepsTheOldUntilTheNewIsAdmitted) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    EXPECT_EQ(worker_.serving(), old);
    EXPECT_EQ(count<SendDrain>(), 0);
    worker_.admit(n, now_);
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(worker_.find(old)->phase, Phase::draining);
    EXPECT_EQ(worker_.planned_restarts(), 1);
    EXPECT_EQ(worker_.crashes(), 0);
}

TEST_F(RollingTest, LetsItsSuccessorStandInWhenTheOldDies) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    ASSERT_EQ(worker_.progress(n), Progress::standing_by);
    die(old, ExitStatus::signalled(SIGKILL));
    EXPECT_EQ(worker_.serving(), n) << "whatever the operation still waits for";
    EXPECT_EQ(count<Spawn>(), 2) << "nothing else is started";
    EXPECT_EQ(worker_.crashes(), 1);
    worker_.abandon(n, now_);
    EXPECT_EQ(worker_.serving(), n) << "there is nothing to go back to";
}

TEST_F(RollingTest, LetsItsSuccessorStandInThatPassesItsGateAfterTheOldDied) {
    const auto old = serve_light();
    const auto n = worker_.prepare(now_);
    say_hello(n);
    die(old, ExitStatus::signalled(SIGKILL));
    be_ready(n);
    pass_gate(n);
    EXPECT_EQ(worker_.serving(), n);
}

TEST_F(RollingTest, HoldsWhatReplacesNobody) {
    const auto n = worker_.start(now_, true);
    say_hello(n);
    be_ready(n);
    pass_gate(n);
    EXPECT_EQ(worker_.progress(n), Progress::standing_by);
}

TEST_F(RollingTest, KeepsTheOldWhenTheNewDiesWhileLoading) {
    const auto old = serve_light();
    const auto n = worker_.prepare(now_);
    say_hello(n);
    worker_.on_trouble(n, "syntax error at app.psgi line 3");
    die(n, ExitStatus::exited(1));
    EXPECT_EQ(worker_.progress(n), Progress::did_not_make_it);
    EXPECT_EQ(worker_.trouble(n), "syntax error at app.psgi line 3");
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_EQ(worker_.serving(), old);
    worker_.abandon(n, now_);
    EXPECT_EQ(count<Spawn>(), 2) << "nothing is tried a second time behind the operator's back";
}

TEST_F(RollingTest, TakesBackWhatWasPrepared) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    worker_.abandon(n, now_);
    EXPECT_EQ(worker_.find(n)->phase, Phase::draining);
    die(n, ExitStatus::exited(0));
    EXPECT_EQ(worker_.serving(), old);
    EXPECT_EQ(worker_.crashes(), 0);
}

TEST_F(RollingTest, EndsEveryDrain) {
    const auto old = serve_light();
    worker_.admit(bring_to_standby(), now_);
    pass(31s);
    EXPECT_EQ(worker_.find(old)->phase, Phase::killing);
}

TEST_F(RollingTest, AnOldGenerationThatDiesWhileItDrainsIsNoCrash) {
    const auto old = serve_light();
    worker_.admit(bring_to_standby(), now_);
    die(old);
    EXPECT_EQ(worker_.crashes(), 0);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(RollingTest, RollsFromTheOneThatTookOverWhenTheOldDiedMeanwhile) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    pass(5s);
    die(old);
    EXPECT_EQ(count<Spawn>(), 2) << "the one that stands by is enough";
    worker_.admit(n, now_);
    EXPECT_EQ(worker_.serving(), n);
}

// Two generations at once

TEST_F(RollingTest, LetsTwoServeBesideEachOther) {
    serve_pool(2);
    const auto next = bring_to_standby();
    worker_.admit_beside(next, now_);
    EXPECT_EQ(worker_.ready(), 4);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_EQ(count<SendDrain>(), 0);
    worker_.serve_alone(next, now_);
    EXPECT_EQ(count<SendDrain>(), 1);
    EXPECT_EQ(worker_.planned_restarts(), 1);
}

TEST_F(RollingTest, ServesOnWithTheOldOneWhenTheNewOneIsTakenBackOrDies) {
    const auto old = serve_pool(2);
    auto next = bring_to_standby();
    worker_.admit_beside(next, now_);
    worker_.take_back(next, now_);
    EXPECT_EQ(worker_.serving(), old);
    next = bring_to_standby();
    worker_.admit_beside(next, now_);
    die(next);
    EXPECT_EQ(worker_.serving(), old);
    EXPECT_EQ(worker_.progress(next), Progress::over);
    EXPECT_EQ(count<Spawn>(), 3) << "nothing else is started for it";
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(RollingTest, ReforksOnlyWhenTheTrialIsOver) {
    serve_pool(2);
    const auto next = bring_to_standby();
    worker_.admit_beside(next, now_);
    worker_.on_refork_due(next, worker_.find(next)->children.begin()->first, now_);
    EXPECT_EQ(count<ReleaseChild>(), 0) << "its children are counted: an heir may have fewer";
    worker_.serve_alone(next, now_);
    EXPECT_EQ(count<ReleaseChild>(), 1);
}

TEST_F(RollingTest, ReforksFromNobodyWhoEndedDuringTheTrial) {
    serve_pool(2);
    const auto next = bring_to_standby();
    worker_.admit_beside(next, now_);
    const pid_t due = worker_.find(next)->children.begin()->first;
    worker_.on_refork_due(next, due, now_);
    child_dies(next, due);
    worker_.serve_alone(next, now_);
    EXPECT_EQ(count<ReleaseChild>(), 0);
}

class SleepTest : public WorkerTest {
protected:
    // A pool of two whose first generation sleeps. Returns the one that serves.
    GenerationNumber roll() {
        WorkerRules rules = pool_of(2);
        rules.limits.keep = 30min;
        make(rules);
        const auto first = worker_.start(now_, false);
        say_hello(first);
        fork_children(first, 1000, 2);
        be_ready(first);
        pass_gate(first);
        const auto next = bring_to_standby();
        worker_.admit(next, now_);
        return next;
    }
};

TEST_F(SleepTest, TheReplacedGenerationSleepsAndWakesUp) {
    const auto next = roll();
    EXPECT_EQ(worker_.sleeping(), 1U);
    EXPECT_EQ(count<SendSleep>(), 1);
    EXPECT_EQ(worker_.ready(), 2) << "what sleeps does not count";
    for (const pid_t pid : {1000, 1001}) worker_.on_child_exit(1, pid, ExitStatus::exited(0), true, {}, now_, 0.5);
    EXPECT_NE(worker_.find(1), nullptr) << "its master stays";
    worker_.wake(1, now_);
    EXPECT_EQ(count<SendWake>(), 1);
    fork_children(1, 3000, 2);
    worker_.serve_alone(1, now_);
    EXPECT_EQ(worker_.serving(), 1U);
    EXPECT_EQ(worker_.sleeping(), next) << "and the other one sleeps";
}

TEST_F(SleepTest, OneSleepsAtATime) {
    roll();
    worker_.admit(bring_to_standby(), now_);
    EXPECT_EQ(worker_.sleeping(), 2U);
    EXPECT_EQ(worker_.find(1)->phase, Phase::draining);
}

TEST_F(SleepTest, LeavesWhenItsTimeIsUp) {
    roll();
    for (const pid_t pid : {1000, 1001}) worker_.on_child_exit(1, pid, ExitStatus::exited(0), true, {}, now_, 0.5);
    pass(29min);
    EXPECT_EQ(worker_.sleeping(), 1U);
    ASSERT_TRUE(worker_.next_deadline());
    pass(2min);
    EXPECT_EQ(worker_.find(1)->phase, Phase::draining);
    EXPECT_EQ(last_note(Note::Kind::killed), nullptr);
}

TEST_F(SleepTest, LeavesWithItsChildrenWhenThoseDoNotEnd) {
    roll();
    pass(31s);
    EXPECT_EQ(worker_.find(1)->phase, Phase::draining);
}

TEST_F(SleepTest, IsNoneOfTheServingOnesTroublesWhenItDies) {
    const auto next = roll();
    for (const pid_t pid : {1000, 1001}) worker_.on_child_exit(1, pid, ExitStatus::exited(0), true, {}, now_, 0.5);
    die(1);
    EXPECT_EQ(worker_.sleeping(), 0U);
    EXPECT_EQ(worker_.serving(), next);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_EQ(count<Spawn>(), 2);
}

} // namespace
} // namespace mpsup::core
