#include "supervisor/core/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

// A worker and what was asked of its shell so far. The verbs are what processes do.
class WorkerTest : public testing::Test {
protected:
    static WorkerRules pool_of(int children) {
        WorkerRules rules;
        rules.is_pool = true;
        rules.pool = children;
        return rules;
    }

    void make(const WorkerRules& rules) { worker_ = Worker(rules); }

    template <typename Kind> int count() {
        collect();
        return static_cast<int>(
            std::ranges::count_if(seen_, [](const Effect& e) { return std::holds_alternative<Kind>(e); }));
    }
    const Note* last_note(Note::Kind kind) {
        collect();
        const Note* found = nullptr;
        for (const Effect& effect : seen_)
            if (const Note* note = std::get_if<Note>(&effect); note && note->kind == kind) found = note;
        return found;
    }
    void pass(Duration time) {
        now_ += time;
        worker_.on_time(now_);
    }

    void say_hello(GenerationNumber n) { worker_.on_hello(n, now_); }
    void fork_children(GenerationNumber n, pid_t first, int how_many) {
        for (pid_t pid = first; pid < first + how_many; ++pid) {
            worker_.on_child_started(n, pid, now_);
            worker_.on_child_ready(n, pid, now_);
        }
    }
    void be_ready(GenerationNumber n) { worker_.on_ready(n, now_); }
    void pass_gate(GenerationNumber n) {
        for (int i = 0; i < worker_.rules().limits.gate_passes; ++i) worker_.on_probe(n, true, "", now_);
    }
    void die(GenerationNumber n, ExitStatus how = ExitStatus::signalled(SIGKILL)) {
        worker_.on_process_exit(n, 100 + static_cast<pid_t>(n), how, now_, 0.5);
    }
    void child_dies(GenerationNumber n, pid_t pid, ExitStatus how = ExitStatus::signalled(SIGKILL)) {
        worker_.on_child_exit(n, pid, how, false, {}, now_, 0.5);
    }

    GenerationNumber serve_light() {
        const auto n = worker_.start(now_, false);
        say_hello(n);
        be_ready(n);
        pass_gate(n);
        return n;
    }
    GenerationNumber serve_pool(int children) {
        make(pool_of(children));
        const auto n = worker_.start(now_, false);
        say_hello(n);
        fork_children(n, 1000, children);
        be_ready(n);
        pass_gate(n);
        return n;
    }
    GenerationNumber bring_to_standby() {
        const auto n = worker_.prepare(now_);
        say_hello(n);
        if (worker_.rules().is_pool) fork_children(n, 2000 + 100 * static_cast<pid_t>(n), worker_.rules().pool);
        be_ready(n);
        pass_gate(n);
        return n;
    }

    Worker worker_{WorkerRules{}};
    Time now_{Time{} + 1h};

private:
    void collect() {
        auto fresh = worker_.take_effects();
        seen_.insert(seen_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
    }
    Effects seen_;
};

TEST_F(WorkerTest, IsStoppedUntilSomebodyWantsIt) {
    EXPECT_EQ(worker_.state(), WorkerState::stopped);
    EXPECT_FALSE(worker_.next_deadline());
}

TEST_F(WorkerTest, ServesOnceItIsReadyAndPassedItsGate) {
    const auto n = worker_.start(now_, false);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    say_hello(n);
    be_ready(n);
    EXPECT_EQ(worker_.state(), WorkerState::starting) << "ready is not serving";
    EXPECT_EQ(count<SendServe>(), 0);
    pass_gate(n);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_EQ(count<SendServe>(), 1);
}

TEST_F(WorkerTest, BeginsTheGateAnewWhenAProbeFails) {
    const auto n = worker_.start(now_, false);
    say_hello(n);
    be_ready(n);
    worker_.on_probe(n, true, "", now_);
    worker_.on_probe(n, true, "", now_);
    worker_.on_probe(n, false, "answered 500", now_);
    worker_.on_probe(n, true, "", now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, StartsOneGenerationHoweverOftenItIsAsked) {
    worker_.start(now_, false);
    worker_.start(now_, false);
    EXPECT_EQ(count<Spawn>(), 1);
}

TEST_F(WorkerTest, ReplacesADeadLightProcessAtOnce) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    EXPECT_EQ(count<Spawn>(), 2);
    EXPECT_EQ(worker_.crashes(), 1);
    EXPECT_EQ(last_note(Note::Kind::exited)->status->signal(), SIGKILL);
}

TEST_F(WorkerTest, DoesNotMakeClientsWaitForProbesWhenNobodyServes) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    say_hello(n + 1);
    be_ready(n + 1);
    EXPECT_EQ(worker_.serving(), n + 1);
}

TEST_F(WorkerTest, BacksOffWhenItKeepsDying) {
    auto n = serve_light();
    pass(10s);
    die(n);
    say_hello(++n);
    be_ready(n);
    die(n); // it was not ready for a second
    EXPECT_EQ(worker_.state(), WorkerState::backoff);
    pass(1500ms);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, GivesUpAfterItsBudgetAndSaysWhy) {
    auto n = serve_light();
    for (int i = 0; i < 5; ++i) {
        die(n);
        pass(5s);
        say_hello(++n);
        be_ready(n);
    }
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    const Note* note = last_note(Note::Kind::failed);
    ASSERT_TRUE(note);
    EXPECT_NE(note->text.find("given up after 5 deaths"), std::string::npos);
    EXPECT_NE(note->text.find("signal 9"), std::string::npos);
    pass(10min);
    EXPECT_EQ(worker_.state(), WorkerState::failed);
}

TEST_F(WorkerTest, TriesAgainWhenSomebodyAsksAfterItWasGivenUp) {
    auto n = serve_light();
    for (int i = 0; i < 5; ++i) {
        die(n);
        pass(5s);
        say_hello(++n);
        be_ready(n);
    }
    worker_.start(now_, false);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
}

TEST_F(WorkerTest, KillsWhatSaysNothingAfterItWasStarted) {
    worker_.start(now_, false);
    pass(11s);
    EXPECT_EQ(count<Kill>(), 1);
}

TEST_F(WorkerTest, KillsAgainWhatIsStillThere) {
    worker_.start(now_, false);
    pass(11s);
    pass(2s);
    EXPECT_EQ(count<Kill>(), 2);
}

TEST_F(WorkerTest, GivesANewGenerationTimeForItsGateAndNoMore) {
    const auto old = serve_light();
    const auto n = worker_.prepare(now_);
    say_hello(n);
    be_ready(n);
    worker_.on_probe(n, false, "GET /: answered 500", now_);
    pass(31s);
    EXPECT_EQ(count<Kill>(), 1);
    die(n);
    EXPECT_EQ(worker_.progress(n), Progress::did_not_make_it);
    EXPECT_NE(worker_.trouble(n).find("answered 500"), std::string::npos);
    EXPECT_EQ(worker_.serving(), old);
}

// Rolling

TEST_F(WorkerTest, KeepsTheOldUntilTheNewIsAdmitted) {
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

TEST_F(WorkerTest, LetsItsSuccessorStandInWhenTheOldDies) {
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

TEST_F(WorkerTest, LetsItsSuccessorStandInThatPassesItsGateAfterTheOldDied) {
    const auto old = serve_light();
    const auto n = worker_.prepare(now_);
    say_hello(n);
    die(old, ExitStatus::signalled(SIGKILL));
    be_ready(n);
    pass_gate(n);
    EXPECT_EQ(worker_.serving(), n);
}

TEST_F(WorkerTest, ResumesWithThoseThatHaveSpoken) {
    worker_.adopt_silent(2, now_);
    worker_.on_child_started(2, 20, now_);
    worker_.adopt(3, Phase::orphaned, false, now_);
    worker_.on_child_started(3, 30, now_);
    worker_.on_child_ready(3, 30, now_);
    worker_.resume(now_);
    EXPECT_EQ(worker_.find(2)->phase, Phase::draining) << "it may have been on its way out";
    EXPECT_EQ(worker_.serving(), 3U);
}

TEST_F(WorkerTest, HoldsWhatReplacesNobody) {
    const auto n = worker_.start(now_, true);
    say_hello(n);
    be_ready(n);
    pass_gate(n);
    EXPECT_EQ(worker_.progress(n), Progress::standing_by);
}

TEST_F(WorkerTest, KeepsTheOldWhenTheNewDiesWhileLoading) {
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

TEST_F(WorkerTest, TakesBackWhatWasPrepared) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    worker_.abandon(n, now_);
    EXPECT_EQ(worker_.find(n)->phase, Phase::draining);
    die(n, ExitStatus::exited(0));
    EXPECT_EQ(worker_.serving(), old);
    EXPECT_EQ(worker_.crashes(), 0);
}

TEST_F(WorkerTest, EndsEveryDrain) {
    const auto old = serve_light();
    worker_.admit(bring_to_standby(), now_);
    pass(31s);
    EXPECT_EQ(worker_.find(old)->phase, Phase::killing);
}

TEST_F(WorkerTest, AnOldGenerationThatDiesWhileItDrainsIsNoCrash) {
    const auto old = serve_light();
    worker_.admit(bring_to_standby(), now_);
    die(old);
    EXPECT_EQ(worker_.crashes(), 0);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, RollsFromTheOneThatTookOverWhenTheOldDiedMeanwhile) {
    const auto old = serve_light();
    const auto n = bring_to_standby();
    pass(5s);
    die(old);
    EXPECT_EQ(count<Spawn>(), 2) << "the one that stands by is enough";
    worker_.admit(n, now_);
    EXPECT_EQ(worker_.serving(), n);
}

TEST_F(WorkerTest, StopsWithoutStartingAnythingAgain) {
    const auto n = serve_light();
    worker_.stop(now_);
    EXPECT_EQ(worker_.state(), WorkerState::draining);
    die(n, ExitStatus::exited(0));
    EXPECT_EQ(worker_.state(), WorkerState::stopped);
    EXPECT_EQ(count<Spawn>(), 1);
    EXPECT_FALSE(worker_.next_deadline());
}

// Pools

TEST_F(WorkerTest, CountsTheChildrenOfAPool) {
    serve_pool(3);
    EXPECT_EQ(worker_.ready(), 3);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, AChildThatHadBeenReadyCostsNoBudget) {
    const auto n = serve_pool(1);
    for (pid_t pid = 1000; pid < 1050; ++pid) {
        child_dies(n, pid);
        EXPECT_EQ(worker_.state(), WorkerState::degraded);
        fork_children(n, pid + 1, 1);
        EXPECT_EQ(worker_.state(), WorkerState::ready);
    }
    EXPECT_EQ(worker_.crashes(), 50);
    EXPECT_EQ(count<Spawn>(), 1);
}

TEST_F(WorkerTest, ChildrenThatDieBeforeTheyAreReadyUseUpTheBudget) {
    const auto n = serve_pool(2);
    for (const auto& child : std::map(worker_.find(n)->children)) child_dies(n, child.first);
    for (pid_t pid = 2000; pid < 2005; ++pid) {
        worker_.on_child_started(n, pid, now_);
        child_dies(n, pid);
    }
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    EXPECT_EQ(worker_.find(n)->phase, Phase::draining);
}

// Children that become masters

TEST_F(WorkerTest, ServesOnWithTheOrphansOfADeadMaster) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    EXPECT_EQ(worker_.find(n)->phase, Phase::orphaned);
    EXPECT_EQ(worker_.ready(), 2);
    EXPECT_EQ(worker_.state(), WorkerState::degraded);
    EXPECT_EQ(count<Spawn>(), 1) << "one of them may become its master";
}

TEST_F(WorkerTest, MakesTheFirstOrphanThatIsIdleTheMaster) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    worker_.on_child_alone(n, 1001, now_);
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    fork_children(n, 3000, 2);
    worker_.on_heir_ready(n, 1001, now_);
    EXPECT_EQ(count<CrownChild>(), 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
    EXPECT_FALSE(worker_.find(n)->children.contains(1001)) << "a master is no child";
    child_dies(n, 1000);
    pass(100s);
    EXPECT_EQ(count<Spawn>(), 1) << "the same code serves on, nothing was loaded";
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, StartsAGenerationWhenNoOrphanSpeaks) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    pass(3s);
    EXPECT_EQ(count<Spawn>(), 2);
    say_hello(n + 1);
    fork_children(n + 1, 3000, 2);
    be_ready(n + 1);
    EXPECT_EQ(worker_.serving(), n) << "the code may have changed since";
    pass_gate(n + 1);
    EXPECT_EQ(worker_.serving(), n + 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::draining);
    child_dies(n, 1000);
    child_dies(n, 1001);
    EXPECT_FALSE(worker_.find(n));
    EXPECT_EQ(worker_.crashes(), 1);
}

TEST_F(WorkerTest, StartsAGenerationWhenTheHeirDies) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    worker_.on_child_alone(n, 1001, now_);
    child_dies(n, 1001);
    pass(10ms);
    EXPECT_EQ(count<Spawn>(), 2);
}

TEST_F(WorkerTest, PromotesAnOrphanWhenWhatWasLoadedInItsPlaceFails) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    pass(3s); // both are busy
    ASSERT_EQ(count<Spawn>(), 2);
    worker_.on_child_alone(n, 1001, now_);
    EXPECT_EQ(count<PromoteChild>(), 0) << "it is being replaced";
    die(n + 1);
    EXPECT_EQ(count<PromoteChild>(), 1) << "and that was in vain";
    fork_children(n, 3000, 2);
    worker_.on_heir_ready(n, 1001, now_);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
    child_dies(n, 1000);
    pass(200s);
    EXPECT_EQ(count<Spawn>(), 2) << "the same code serves on";
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, PromotesAnOrphanThatIsIdleOnlyAfterTheLoadHasFailed) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    pass(3s);
    die(n + 1);
    EXPECT_EQ(count<PromoteChild>(), 0);
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1) << "during the back-off";
    pass(80s);
    EXPECT_EQ(count<Spawn>(), 2) << "nothing is loaded meanwhile";
}

TEST_F(WorkerTest, TriesHeirsAndLoadsInTurn) {
    const auto n = serve_pool(3);
    pass(5s);
    die(n);
    for (const pid_t pid : {1000, 1001, 1002}) worker_.on_child_alone(n, pid, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    child_dies(n, 1000);
    pass(10ms);
    EXPECT_EQ(count<PromoteChild>(), 1) << "what killed it may kill each";
    EXPECT_EQ(count<Spawn>(), 2);
    die(n + 1);
    EXPECT_EQ(count<PromoteChild>(), 2);
    pass(91s); // it does not get there
    EXPECT_EQ(count<Spawn>(), 3);
    die(n + 2);
    EXPECT_EQ(count<PromoteChild>(), 3);
    child_dies(n, 1002);
    pass(200s);
    EXPECT_EQ(count<PromoteChild>(), 3) << "nobody twice";
    EXPECT_GE(count<Spawn>(), 4);
}

TEST_F(WorkerTest, ReforksOnceAndKeepsServingMeanwhile) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    worker_.on_refork_due(n, 1001, now_);
    EXPECT_EQ(count<ReleaseChild>(), 1);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    fork_children(n, 3000, 2);
    worker_.on_heir_ready(n, 1000, now_);
    EXPECT_EQ(count<CrownChild>(), 1);
    EXPECT_EQ(worker_.crashes(), 0);
    worker_.on_refork_due(n, 3000, now_);
    EXPECT_EQ(count<ReleaseChild>(), 1) << "a page that is warm does not get warmer";
}

TEST_F(WorkerTest, AnHeirThatDiesBeforeItIsMasterCostsNothingWhileTheMasterLives) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    child_dies(n, 1000);
    pass(100s);
    EXPECT_EQ(count<Spawn>(), 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
}

TEST_F(WorkerTest, WhenTheLastOrphanDiesTheWorkerIsStartingUntilTheSuccessorServes) {
    const auto n = serve_pool(1);
    pass(5s);
    die(n);
    child_dies(n, 1000);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    EXPECT_EQ(count<Spawn>(), 2);
}

TEST_F(WorkerTest, KillsAGenerationWhoseMasterDiesBeforeItServes) {
    make(pool_of(2));
    const auto n = worker_.start(now_, false);
    say_hello(n);
    fork_children(n, 1000, 1);
    die(n);
    EXPECT_EQ(worker_.find(n)->phase, Phase::killing);
}

// Health

TEST_F(WorkerTest, WritesOneEventWhenTheProbesTurnAndNeverKills) {
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

TEST_F(WorkerTest, IgnoresNewsOfGenerationsItDoesNotKnow) {
    const auto n = serve_light();
    worker_.on_hello(77, now_);
    worker_.on_ready(77, now_);
    worker_.on_probe(77, false, "x", now_);
    die(77);
    child_dies(77, 5);
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(WorkerTest, NeverUsesANumberTwice) {
    worker_.continue_after(41);
    EXPECT_EQ(worker_.start(now_, false), 42U);
}

TEST_F(WorkerTest, TriesAgainWhenASpawnFails) {
    const auto n = serve_light();
    pass(10s);
    die(n);
    worker_.on_spawn_failed(n + 1, "fork: Resource temporarily unavailable", now_, 0.5);
    EXPECT_EQ(worker_.state(), WorkerState::backoff);
    pass(2s);
    EXPECT_EQ(count<Spawn>(), 3);
}

TEST_F(WorkerTest, ReplacesWhatIsBeyondRecoveryStartFirst) {
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

TEST_F(WorkerTest, KeepsWhatServesWhenItsSuccessorsAreNoBetter) {
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

TEST_F(WorkerTest, NeverLetsGoOfTheLastReadyOneForOneThatHasNotPassed) {
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

TEST_F(WorkerTest, IsTriedAgainAfterAReset) {
    WorkerRules rules;
    rules.restart.burst = 2;
    rules.restart.backoff = 1h;
    make(rules);
    die(serve_light());
    die(worker_.generations().back().number);
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    const int before = count<Spawn>();
    worker_.reset(now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    EXPECT_EQ(count<Spawn>(), before + 1);
    die(worker_.generations().back().number);
    EXPECT_NE(worker_.state(), WorkerState::failed) << "the deaths of before are forgotten";
    worker_.reset(now_);
    EXPECT_EQ(worker_.state(), WorkerState::starting) << "and so is the back-off";
    worker_.stop(now_);
    worker_.reset(now_);
    EXPECT_NE(worker_.state(), WorkerState::starting) << "what should not run is not started";
}

TEST_F(WorkerTest, KeepsChildrenThatServeWhenOthersCannotStart) {
    const auto n = serve_pool(2);
    for (pid_t pid = 3000; pid < 3020; ++pid) {
        worker_.on_child_started(n, pid, now_);
        child_dies(n, pid);
    }
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(count<SendDrain>(), 0);
}

TEST_F(WorkerTest, KillsNobodyForAPauseOfTheMachine) {
    const auto n = worker_.start(now_, false);
    const auto before = worker_.next_deadline();
    worker_.on_pause(1h);
    now_ += 1h;
    pass(5s);
    EXPECT_EQ(count<Kill>(), 0);
    EXPECT_EQ(*worker_.next_deadline(), *before + 1h);
    say_hello(n);
    pass(6s);
    EXPECT_EQ(count<Kill>(), 0) << "a later phase has its own";
}

// Two generations at once

TEST_F(WorkerTest, LetsTwoServeBesideEachOther) {
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

TEST_F(WorkerTest, ServesOnWithTheOldOneWhenTheNewOneIsTakenBackOrDies) {
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
