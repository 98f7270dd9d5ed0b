#include "supervisor/core/inheritance.h"
#include "supervisor/core/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

const Time start{1h};

class TakenOverTest : public testing::Test {
protected:
    explicit TakenOverTest(bool is_pool = false) : worker_(rules(is_pool)) {}

    static WorkerRules rules(bool is_pool) {
        WorkerRules rules;
        rules.is_pool = is_pool;
        rules.pool = is_pool ? 2 : 0;
        return rules;
    }
    void resume() { worker_.resume(now_); }
    template <typename Kind> std::vector<GenerationNumber> told() {
        const Effects fresh = worker_.take_effects();
        effects_.insert(effects_.end(), fresh.begin(), fresh.end());
        std::vector<GenerationNumber> numbers;
        for (const Effect& effect : effects_)
            if (const Kind* kind = std::get_if<Kind>(&effect)) numbers.push_back(kind->generation);
        return numbers;
    }
    Phase phase(GenerationNumber number) { return worker_.find(number)->phase; }

    using Numbers = std::vector<GenerationNumber>;
    Worker worker_;
    Effects effects_;
    Time now_ = start;
};

class PoolTakenOverTest : public TakenOverTest {
protected:
    PoolTakenOverTest() : TakenOverTest(true) {}
    void bring_child(GenerationNumber number, pid_t pid) {
        worker_.on_child_started(number, pid, 0, now_);
        worker_.on_child_ready(number, pid, now_);
    }
};

TEST_F(TakenOverTest, WhatServesServesOn) {
    worker_.adopt(7, Phase::serving, true, now_);
    resume();
    EXPECT_EQ(worker_.serving(), 7U);
    EXPECT_EQ(worker_.state(), WorkerState::ready);
    EXPECT_TRUE(worker_.wants_to_run());
    EXPECT_TRUE(told<Spawn>().empty());
    EXPECT_TRUE(told<SendDrain>().empty());
}

TEST_F(TakenOverTest, WhatIsMissingIsStartedUnderAFreshNumber) {
    worker_.continue_after(9);
    resume();
    EXPECT_EQ(told<Spawn>(), Numbers{10});
}

TEST_F(TakenOverTest, NumbersGoOnAfterTheAdopted) {
    worker_.adopt(7, Phase::draining, true, now_);
    resume();
    EXPECT_EQ(told<Spawn>(), Numbers{8});
}

TEST_F(TakenOverTest, OfTwoThatServeTheFirstStays) {
    worker_.adopt(8, Phase::serving, true, now_);
    worker_.adopt(7, Phase::serving, true, now_);
    ASSERT_EQ(worker_.generations().size(), 2U);
    EXPECT_EQ(worker_.generations()[0].number, 7U);
    resume();
    EXPECT_EQ(told<SendDrain>(), Numbers{8});
    EXPECT_EQ(worker_.serving(), 7U);
    EXPECT_TRUE(told<Spawn>().empty());
}

TEST_F(TakenOverTest, AnInterruptedSuccessorIsTakenBack) {
    worker_.adopt(7, Phase::serving, true, now_);
    worker_.adopt(8, Phase::gating, true, now_);
    resume();
    EXPECT_EQ(told<SendDrain>(), Numbers{8});
    EXPECT_EQ(worker_.serving(), 7U);
    EXPECT_EQ(worker_.progress(8), Progress::did_not_make_it);
    EXPECT_FALSE(worker_.trouble(8).empty());
}

TEST_F(TakenOverTest, TheOnlyOneThatComesGoesThroughItsGateAndServes) {
    worker_.adopt(8, Phase::gating, true, now_);
    resume();
    EXPECT_EQ(told<OpenGate>(), Numbers{8});
    EXPECT_TRUE(told<Spawn>().empty());
    for (int i = 0; i < worker_.rules().limits.gate_passes; ++i) worker_.on_probe(8, true, "", now_);
    EXPECT_EQ(told<SendServe>(), Numbers{8});
    EXPECT_EQ(worker_.serving(), 8U);
}

TEST_F(TakenOverTest, OfSeveralThatComeTheNewestStays) {
    worker_.adopt(8, Phase::gating, true, now_);
    worker_.adopt(9, Phase::gating, true, now_);
    resume();
    EXPECT_EQ(told<SendDrain>(), Numbers{8});
    EXPECT_EQ(told<OpenGate>(), Numbers{9});
    EXPECT_TRUE(told<Spawn>().empty());
}

TEST_F(TakenOverTest, NothingIsDecidedBeforeAllAreKnown) {
    worker_.adopt(8, Phase::gating, true, now_);
    for (int i = 0; i < worker_.rules().limits.gate_passes; ++i) worker_.on_probe(8, true, "", now_);
    EXPECT_EQ(phase(8), Phase::standby);
    EXPECT_TRUE(told<SendServe>().empty());
}

TEST_F(TakenOverTest, WhatDrainsHasItsGraceAnewAndIsKilledAfterIt) {
    worker_.adopt(7, Phase::draining, true, now_);
    resume();
    worker_.on_time(now_ + worker_.rules().limits.grace);
    EXPECT_EQ(phase(7), Phase::killing);
    EXPECT_EQ(told<Kill>().front(), 7U);
}

TEST_F(TakenOverTest, ADeathAfterTheTakeoverIsRepaired) {
    worker_.adopt(7, Phase::serving, true, now_);
    resume();
    now_ += 2s;
    worker_.on_process_exit(7, 10, ExitStatus::signalled(SIGKILL), now_, 0.5);
    EXPECT_EQ(told<Spawn>(), Numbers{8});
    EXPECT_EQ(worker_.crashes(), 1);
}

TEST_F(TakenOverTest, CountsGoOn) {
    worker_.continue_counts(4, 2);
    EXPECT_EQ(worker_.crashes(), 4);
    EXPECT_EQ(worker_.planned_restarts(), 2);
}

TEST_F(TakenOverTest, NothingStaysOfWhatIsNotWanted) {
    worker_.adopt(7, Phase::serving, true, now_);
    worker_.adopt(8, Phase::gating, true, now_);
    worker_.stop(now_);
    EXPECT_EQ(told<SendDrain>(), (Numbers{7, 8}));
    EXPECT_TRUE(told<Spawn>().empty());
}

TEST_F(TakenOverTest, ALatecomerThatServesIsRetiredBesideTheOneThatStays) {
    worker_.adopt(8, Phase::serving, true, now_);
    resume();
    worker_.adopt(9, Phase::serving, true, now_);
    resume();
    EXPECT_EQ(told<SendDrain>(), Numbers{9});
    EXPECT_EQ(worker_.serving(), 8U);
}

TEST_F(PoolTakenOverTest, OrphansGetOneMasterOfTheirOwn) {
    worker_.adopt(5, Phase::orphaned, false, now_);
    bring_child(5, 21);
    bring_child(5, 22);
    worker_.on_child_alone(5, 21, now_);
    worker_.on_child_alone(5, 22, now_);
    resume();
    EXPECT_EQ(told<PromoteChild>(), Numbers{5});
    EXPECT_TRUE(told<Spawn>().empty());
    worker_.on_heir_ready(5, 21, now_);
    EXPECT_EQ(told<CrownChild>(), Numbers{5});
    EXPECT_EQ(phase(5), Phase::serving);
}

TEST_F(PoolTakenOverTest, OrphansThatSayNothingAreReplaced) {
    worker_.adopt(5, Phase::orphaned, false, now_);
    bring_child(5, 21);
    resume();
    EXPECT_TRUE(told<Spawn>().empty());
    worker_.on_time(now_ + worker_.rules().limits.orphaned);
    EXPECT_EQ(told<Spawn>(), Numbers{6});
    EXPECT_TRUE(told<SendDrain>().empty()); // they serve until the successor does
}

TEST_F(PoolTakenOverTest, OrphansThatDrainAreGoneWhenTheLastOfThemIs) {
    worker_.adopt(5, Phase::draining, false, now_);
    bring_child(5, 21);
    worker_.stop(now_);
    worker_.on_child_exit(5, 21, ExitStatus::exited(0), false, {}, now_, 0.5);
    EXPECT_FALSE(worker_.has_processes());
    EXPECT_EQ(worker_.state(), WorkerState::stopped);
}

TEST_F(PoolTakenOverTest, AMasterHeardAfterItsOrphansMakesTheGenerationWhole) {
    worker_.adopt(5, Phase::orphaned, false, now_);
    bring_child(5, 21);
    worker_.adopt(5, Phase::serving, true, now_);
    resume();
    EXPECT_EQ(worker_.generations().size(), 1U);
    EXPECT_EQ(phase(5), Phase::serving);
    worker_.on_time(now_ + 1h);
    EXPECT_TRUE(told<Spawn>().empty());
}

TEST_F(PoolTakenOverTest, AServingPoolStaysBesideAnOlderOrphanedOne) {
    worker_.adopt(5, Phase::orphaned, false, now_);
    bring_child(5, 21);
    worker_.adopt(6, Phase::serving, true, now_);
    resume();
    EXPECT_EQ(told<SendDrain>(), Numbers{5});
    EXPECT_EQ(worker_.serving(), 6U);
}

TEST_F(TakenOverTest, ResumesWithThoseThatHaveSpoken) {
    worker_.adopt_silent(2, now_);
    worker_.on_child_started(2, 20, 0, now_);
    worker_.adopt(3, Phase::orphaned, false, now_);
    worker_.on_child_started(3, 30, 0, now_);
    worker_.on_child_ready(3, 30, now_);
    worker_.resume(now_);
    EXPECT_EQ(worker_.find(2)->phase, Phase::draining) << "it may have been on its way out";
    EXPECT_EQ(worker_.serving(), 3U);
}

} // namespace
} // namespace mpsup::core
