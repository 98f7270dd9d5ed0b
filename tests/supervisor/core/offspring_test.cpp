#include "tests/supervisor/core/worker_fixture.h"

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

using OffspringTest = WorkerTest;

TEST_F(OffspringTest, CountsTheChildrenOfAPool) {
    serve_pool(3);
    EXPECT_EQ(worker_.ready(), 3);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(OffspringTest, AChildThatHadBeenReadyCostsNoBudget) {
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

TEST_F(OffspringTest, ChildrenThatDieBeforeTheyAreReadyUseUpTheBudget) {
    const auto n = serve_pool(2);
    for (const auto& child : std::map(worker_.find(n)->children)) child_dies(n, child.first);
    for (pid_t pid = 2000; pid < 2005; ++pid) {
        worker_.on_child_started(n, pid, 0, now_);
        child_dies(n, pid);
    }
    EXPECT_EQ(worker_.state(), WorkerState::failed);
    EXPECT_EQ(worker_.find(n)->phase, Phase::draining);
}

// Children that become masters

TEST_F(OffspringTest, ServesOnWithTheOrphansOfADeadMaster) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    EXPECT_EQ(worker_.find(n)->phase, Phase::orphaned);
    EXPECT_EQ(worker_.ready(), 2);
    EXPECT_EQ(worker_.state(), WorkerState::degraded);
    EXPECT_EQ(count<Spawn>(), 1) << "one of them may become its master";
}

TEST_F(OffspringTest, MakesTheFirstOrphanThatIsIdleTheMaster) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    worker_.on_child_alone(n, 1001, now_);
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    fork_children(n, 3000, 2, 1001);
    worker_.on_heir_ready(n, 1001, now_);
    EXPECT_EQ(count<CrownChild>(), 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
    EXPECT_FALSE(worker_.find(n)->children.contains(1001)) << "a master is no child";
    child_dies(n, 1000);
    pass(100s);
    EXPECT_EQ(count<Spawn>(), 1) << "the same code serves on, nothing was loaded";
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(OffspringTest, StartsAGenerationWhenNoOrphanSpeaks) {
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

TEST_F(OffspringTest, StartsAGenerationWhenTheHeirDies) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    worker_.on_child_alone(n, 1001, now_);
    child_dies(n, 1001);
    pass(10ms);
    EXPECT_EQ(count<Spawn>(), 2);
}

TEST_F(OffspringTest, PromotesAnOrphanWhenWhatWasLoadedInItsPlaceFails) {
    const auto n = serve_pool(2);
    pass(5s);
    die(n);
    pass(3s); // both are busy
    ASSERT_EQ(count<Spawn>(), 2);
    worker_.on_child_alone(n, 1001, now_);
    EXPECT_EQ(count<PromoteChild>(), 0) << "it is being replaced";
    die(n + 1);
    EXPECT_EQ(count<PromoteChild>(), 1) << "and that was in vain";
    fork_children(n, 3000, 2, 1001);
    worker_.on_heir_ready(n, 1001, now_);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
    child_dies(n, 1000);
    pass(200s);
    EXPECT_EQ(count<Spawn>(), 2) << "the same code serves on";
    EXPECT_EQ(worker_.state(), WorkerState::ready);
}

TEST_F(OffspringTest, PromotesAnOrphanThatIsIdleOnlyAfterTheLoadHasFailed) {
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

TEST_F(OffspringTest, TriesHeirsAndLoadsInTurn) {
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

TEST_F(OffspringTest, ReforksOnceAndKeepsServingMeanwhile) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    worker_.on_refork_due(n, 1001, now_);
    EXPECT_EQ(count<ReleaseChild>(), 1);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    fork_children(n, 3000, 2, 1000);
    worker_.on_heir_ready(n, 1000, now_);
    EXPECT_EQ(count<CrownChild>(), 1);
    EXPECT_EQ(worker_.crashes(), 0);
    worker_.on_refork_due(n, 3000, now_);
    EXPECT_EQ(count<ReleaseChild>(), 1) << "a page that is warm does not get warmer";
}

TEST_F(OffspringTest, AnHeirOnItsWayIsToldAnotherSizeToo) {
    const auto n = serve_pool(2);
    worker_.resize(n);
    EXPECT_EQ(count<PromoteChild>(), 0) << "there is none";
    worker_.on_refork_due(n, 1000, now_);
    worker_.resize(n);
    EXPECT_EQ(count<PromoteChild>(), 0) << "it serves its last clients, and has no order yet";
    worker_.on_child_alone(n, 1000, now_);
    EXPECT_EQ(count<PromoteChild>(), 1);
    worker_.resize(n);
    EXPECT_EQ(count<PromoteChild>(), 2);
    fork_children(n, 3000, 3, 1000);
    worker_.on_heir_ready(n, 1000, now_);
    worker_.resize(n);
    EXPECT_EQ(count<PromoteChild>(), 2) << "it is the master by now";
}

TEST_F(OffspringTest, AnHeirThatDiedIsToldNothing) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    worker_.on_child_alone(n, 1000, now_);
    child_dies(n, 1000);
    worker_.resize(n);
    EXPECT_EQ(count<PromoteChild>(), 1);
}

TEST_F(OffspringTest, ChildrenOfTheMasterBeforeAreNotReadyAnyMore) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    worker_.on_child_alone(n, 1000, now_);
    fork_children(n, 3000, 1, 1000);
    worker_.on_heir_ready(n, 1000, now_);
    EXPECT_EQ(worker_.ready(), 1) << "1001 is told to go";
    fork_children(n, 1002, 1);
    EXPECT_EQ(worker_.ready(), 1) << "and so is one of whom it speaks late";
    fork_children(n, 3001, 1, 1000);
    child_dies(n, 1001, ExitStatus::exited(0));
    EXPECT_EQ(worker_.ready(), 2);
    die(n);
    EXPECT_EQ(worker_.ready(), 2) << "orphans serve on";
}

TEST_F(OffspringTest, AChildIsOfTheMasterThatSpokeForItLast) {
    const auto n = serve_pool(2);
    die(n);
    worker_.on_child_alone(n, 1001, now_);
    fork_children(n, 3000, 1); // it speaks for itself
    worker_.on_child_started(n, 3000, 1001, now_);
    worker_.on_heir_ready(n, 1001, now_);
    EXPECT_EQ(worker_.ready(), 1);
}

TEST_F(OffspringTest, AnHeirThatDiesBeforeItIsMasterCostsNothingWhileTheMasterLives) {
    const auto n = serve_pool(2);
    worker_.on_refork_due(n, 1000, now_);
    child_dies(n, 1000);
    pass(100s);
    EXPECT_EQ(count<Spawn>(), 1);
    EXPECT_EQ(worker_.find(n)->phase, Phase::serving);
}

TEST_F(OffspringTest, WhenTheLastOrphanDiesTheWorkerIsStartingUntilTheSuccessorServes) {
    const auto n = serve_pool(1);
    pass(5s);
    die(n);
    child_dies(n, 1000);
    EXPECT_EQ(worker_.state(), WorkerState::starting);
    EXPECT_EQ(count<Spawn>(), 2);
}

TEST_F(OffspringTest, KillsAGenerationWhoseMasterDiesBeforeItServes) {
    make(pool_of(2));
    const auto n = worker_.start(now_, false);
    say_hello(n);
    fork_children(n, 1000, 1);
    die(n);
    EXPECT_EQ(worker_.find(n)->phase, Phase::killing);
}

TEST_F(OffspringTest, KeepsChildrenThatServeWhenOthersCannotStart) {
    const auto n = serve_pool(2);
    for (pid_t pid = 3000; pid < 3020; ++pid) {
        worker_.on_child_started(n, pid, 0, now_);
        child_dies(n, pid);
    }
    EXPECT_EQ(worker_.serving(), n);
    EXPECT_EQ(count<SendDrain>(), 0);
}

} // namespace
} // namespace mpsup::core
