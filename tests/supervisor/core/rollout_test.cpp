#include "supervisor/core/rollout.h"

#include <gtest/gtest.h>

#include <random>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;
using Kind = RolloutOrder::Kind;
using Phase = Rollout::Phase;

// A pool of two generations that do what they are told, at once or when `obey` is called.
class RolloutTest : public testing::Test {
protected:
    void begin(RolloutPlan plan) {
        plan_ = std::move(plan);
        plan_.new_one = 2;
        plan_.old_one = 1;
        rollout_.emplace(plan_);
        old_wanted_ = old_ = plan_.whole;
        new_wanted_ = plan_.first_children();
        view_ = {};
        view_.old_alive = old_;
    }
    // The new generation is loaded and passed its gate.
    void stand_by() {
        new_ = new_wanted_;
        view_.progress = Progress::standing_by;
        look();
    }
    void obey() {
        old_ = old_wanted_;
        new_ = new_wanted_;
    }
    void look(Duration later = 100ms) {
        now_ += later;
        view_.new_ready = new_;
        view_.old_alive = old_;
        for (const RolloutOrder& order : rollout_->step(view_, now_)) carry_out(order);
        least_ = std::min(least_, serving());
        most_ = std::max(most_, old_ + new_wanted_);
    }
    void go_on(int looks = 30) {
        for (int i = 0; i < looks && !rollout_->is_over(); ++i) look(), obey();
    }
    void answer(Tally& tally, int requests, int failures = 0) {
        tally.latency.counts.at(40) += static_cast<std::uint64_t>(requests);
        tally.failures += static_cast<std::uint64_t>(failures);
    }
    [[nodiscard]] int serving() const { return std::min(old_, old_wanted_) + (admitted_ ? new_ : 0); }
    static RolloutStep share(int children) { return {children, {}}; }
    static RolloutStep pause(std::optional<Duration> time = {}) { return {0, time}; }

    RolloutPlan plan_;
    std::optional<Rollout> rollout_;
    RolloutView view_;
    Time now_{Time{} + 1h};
    int old_ = 0, new_ = 0, old_wanted_ = 0, new_wanted_ = 0;
    int least_ = 1000, most_ = 0;
    bool admitted_ = false, settled_ = false, taken_back_ = false;

private:
    void carry_out(const RolloutOrder& order) {
        switch (order.kind) {
        case Kind::admit_beside:
            admitted_ = true;
            view_.progress = Progress::serving;
            return;
        case Kind::size_old: old_wanted_ = order.children < 0 ? plan_.whole : order.children; return;
        case Kind::size_new: new_wanted_ = order.children < 0 ? plan_.whole : order.children; return;
        case Kind::settle: settled_ = true; return;
        case Kind::take_back: taken_back_ = true; return;
        }
    }
};

TEST_F(RolloutTest, ReplacesAllAtOnceWhenThereIsRoom) {
    begin({.whole = 4, .surge = 4});
    look();
    EXPECT_FALSE(admitted_) << "not before it stands by";
    stand_by();
    EXPECT_TRUE(admitted_ && settled_);
    EXPECT_EQ(rollout_->phase(), Phase::settled);
}

TEST_F(RolloutTest, NeverHasMoreThanItsSurgeNorFewerThanAll) {
    for (const int surge : {1, 2, 3}) {
        least_ = 1000, most_ = 0, admitted_ = settled_ = false;
        begin({.whole = 4, .surge = surge});
        stand_by();
        go_on();
        EXPECT_TRUE(settled_);
        EXPECT_GE(least_, 4) << surge;
        EXPECT_LE(most_, 4 + surge) << surge;
    }
}

TEST_F(RolloutTest, WithoutASurgeLacksNoMoreThanItMay) {
    begin({.whole = 4, .surge = 0, .unavailable = 1});
    stand_by();
    go_on();
    EXPECT_TRUE(settled_);
    EXPECT_GE(least_, 3);
}

TEST_F(RolloutTest, RollsAPoolOfOne) {
    begin({.whole = 1, .surge = 1, .steps = {share(1), pause(1min), share(1)}});
    stand_by();
    go_on(5);
    EXPECT_EQ(rollout_->phase(), Phase::pausing);
    look(1min);
    go_on();
    EXPECT_TRUE(settled_);
    EXPECT_GE(least_, 1);
}

TEST_F(RolloutTest, LeavesTheOldOneAloneWhenTheNewOneDoesNotGetReady) {
    begin({.whole = 4, .surge = 4});
    view_.progress = Progress::did_not_make_it;
    look();
    EXPECT_TRUE(taken_back_);
    EXPECT_FALSE(admitted_ || rollout_->has_served());
    EXPECT_EQ(rollout_->phase(), Phase::failed);
}

TEST_F(RolloutTest, KeepsAllOldChildrenUntilTheVerdict) {
    begin({.whole = 4, .surge = 4, .judge = JudgeRule{}});
    stand_by();
    go_on(20);
    EXPECT_FALSE(settled_);
    EXPECT_EQ(old_wanted_, 4);
    answer(view_.old_tally, 500);
    answer(view_.new_tally, 500);
    go_on();
    EXPECT_TRUE(settled_);
    EXPECT_EQ(rollout_->judge()->verdict(), Verdict::good);
}

TEST_F(RolloutTest, TakesBackWhatIsFoundBad) {
    begin({.whole = 4, .surge = 4, .judge = JudgeRule{}});
    stand_by();
    answer(view_.old_tally, 500);
    answer(view_.new_tally, 500, 100);
    look();
    EXPECT_EQ(rollout_->phase(), Phase::failed);
    EXPECT_TRUE(taken_back_ && rollout_->has_served());
    EXPECT_NE(rollout_->why().find("100 of 500 requests failed"), std::string::npos) << rollout_->why();
}

TEST_F(RolloutTest, LetsTheGateDecideWhenNobodyAsks) {
    begin({.whole = 4, .surge = 4, .judge = JudgeRule{}});
    stand_by();
    look(29s);
    EXPECT_FALSE(rollout_->is_over());
    look(2s);
    go_on();
    EXPECT_TRUE(settled_);
    EXPECT_EQ(rollout_->judge()->verdict(), Verdict::unjudged);
}

TEST_F(RolloutTest, FreezesForAPersonWhenThePlanSaysSo) {
    begin({.whole = 4, .surge = 4, .judge = JudgeRule{}, .freezes = true});
    stand_by();
    answer(view_.old_tally, 500);
    answer(view_.new_tally, 500, 100);
    go_on(10);
    EXPECT_EQ(rollout_->phase(), Phase::frozen);
    look(24h);
    EXPECT_FALSE(rollout_->is_over());
    rollout_->promote();
    go_on();
    EXPECT_TRUE(settled_);
}

TEST_F(RolloutTest, WaitsAtAPauseUntilPromotedOrAborted) {
    for (const bool promote : {true, false}) {
        settled_ = taken_back_ = admitted_ = false;
        begin({.whole = 4, .surge = 4, .steps = {share(1), pause(), share(4)}});
        stand_by();
        EXPECT_EQ(new_wanted_, 1);
        go_on(10);
        look(24h);
        EXPECT_EQ(rollout_->phase(), Phase::pausing);
        EXPECT_EQ(old_wanted_, 3) << "the old one gave up as many as the new one has";
        if (promote)
            rollout_->promote();
        else
            rollout_->abort("aborted");
        go_on();
        EXPECT_EQ(settled_, promote);
        EXPECT_EQ(taken_back_, !promote);
        if (!promote) {
            EXPECT_EQ(old_wanted_, 4) << "and gets them back";
        }
    }
}

TEST_F(RolloutTest, IsNotHeldUpByAChildThatDoesNotLeave) {
    begin({.whole = 2, .surge = 1, .patience = 30s});
    stand_by();
    for (int i = 0; i < 50 && !rollout_->is_over(); ++i) {
        look(5s);
        new_ = new_wanted_; // the old ones hang
    }
    EXPECT_TRUE(settled_);
}

TEST_F(RolloutTest, FailsWhenChildrenDoNotCome) {
    begin({.whole = 2, .surge = 1, .patience = 30s});
    stand_by();
    for (int i = 0; i < 50 && !rollout_->is_over(); ++i) {
        look(5s);
        old_ = old_wanted_;
    }
    EXPECT_TRUE(taken_back_);
    EXPECT_EQ(rollout_->why(), "only 1 of 2 children became ready");
}

TEST_F(RolloutTest, GivesAChildThatDiesAfterALongPauseItsTime) {
    begin({.whole = 2, .surge = 1, .unavailable = 1, .steps = {share(1), pause(2h)}, .patience = 60s});
    stand_by();
    go_on(5);
    ASSERT_EQ(rollout_->phase(), Phase::pausing);
    new_ = 0; // it died a moment before
    look(2h + 1s);
    EXPECT_FALSE(rollout_->is_over()) << rollout_->why();
    new_ = new_wanted_;
    go_on();
    EXPECT_TRUE(settled_);
}

TEST_F(RolloutTest, TakesBackWhatGrowsDuringALongPause) {
    begin({.whole = 2, .surge = 1, .unavailable = 1, .steps = {share(1), pause()}, .judge = JudgeRule{}});
    stand_by();
    view_.old_memory = view_.new_memory = 50 << 20;
    for (int i = 0; i < 11 * 60 && !rollout_->is_over(); ++i) look(1s), view_.new_memory += 100'000;
    EXPECT_FALSE(rollout_->is_over()) << "two minutes to warm up, and ten to tell: " << rollout_->why();
    ASSERT_TRUE(rollout_->next_look());
    EXPECT_LE(*rollout_->next_look(), now_ + 5s) << "though nobody promotes, it is looked at";
    for (int i = 0; i < 90 && !rollout_->is_over(); ++i) look(1s), view_.new_memory += 100'000;
    EXPECT_TRUE(taken_back_);
    EXPECT_NE(rollout_->why().find("MiB a minute"), std::string::npos) << rollout_->why();
}

TEST_F(RolloutTest, JudgesEachStepByWhatCameSince) {
    begin({.whole = 8, .surge = 8, .steps = {share(1), share(4), share(8)}, .judge = JudgeRule{}});
    stand_by();
    answer(view_.old_tally, 4'000);
    answer(view_.new_tally, 400);
    go_on(5);
    EXPECT_EQ(rollout_->target(), 4);
    EXPECT_EQ(rollout_->judge()->verdict(), Verdict::open) << "of the second step nothing is known yet";
    go_on(5);
    EXPECT_EQ(rollout_->target(), 4);
    answer(view_.old_tally, 400);
    answer(view_.new_tally, 400, 40); // of all 800 it would be one in twenty
    look();
    EXPECT_TRUE(taken_back_);
    EXPECT_NE(rollout_->why().find("40 of 400"), std::string::npos) << rollout_->why();
}

TEST_F(RolloutTest, LooksOnDuringAPause) {
    begin({.whole = 4, .surge = 4, .steps = {share(1), pause(10min), share(4)}, .judge = JudgeRule{}});
    stand_by();
    answer(view_.old_tally, 4'000);
    answer(view_.new_tally, 400);
    go_on(5);
    ASSERT_EQ(rollout_->phase(), Phase::pausing);
    for (int i = 0; i < 60; ++i) look(1s);
    EXPECT_EQ(rollout_->phase(), Phase::pausing) << rollout_->why();
    for (int i = 0; i < 60 && !rollout_->is_over(); ++i) {
        answer(view_.old_tally, 100);
        answer(view_.new_tally, 100, 50);
        look(1s);
    }
    EXPECT_TRUE(taken_back_);
}

TEST_F(RolloutTest, GoesOnWhenTheOldOneIsGone) {
    begin({.whole = 4, .surge = 4, .judge = JudgeRule{}});
    stand_by();
    view_.old_serves = false;
    look();
    EXPECT_TRUE(settled_) << "there is nothing to go back to";
}

TEST_F(RolloutTest, AlwaysEnds) {
    const std::uint64_t seed = std::random_device()();
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    std::mt19937_64 chance(seed);
    const auto roll = [&](int sides) { return static_cast<int>(chance() % static_cast<std::uint64_t>(sides)); };
    for (int run = 0; run < 3000; ++run) {
        settled_ = taken_back_ = admitted_ = false;
        RolloutPlan plan{.whole = 1 + roll(6), .surge = 1 + roll(6), .unavailable = roll(2), .patience = 30s};
        for (int i = roll(4); i > 0; --i) plan.steps.push_back(share(1 + roll(plan.whole)));
        if (!plan.steps.empty() && roll(2) == 0) plan.steps.push_back(pause(1s));
        if (roll(2) == 0) plan.judge = JudgeRule{};
        begin(plan);
        if (roll(3) > 0) stand_by();
        for (int i = 0; i < 2000 && !rollout_->is_over(); ++i) {
            look(Duration(roll(3000)));
            if (roll(2) == 0) obey();
            if (!admitted_ && i > 20) view_.progress = roll(2) == 0 ? Progress::standing_by : Progress::did_not_make_it;
            if (roll(200) == 0) view_.progress = Progress::over;
            if (roll(200) == 0) view_.old_serves = false;
            answer(view_.new_tally, roll(20), roll(30) == 0 ? 1 : 0);
            answer(view_.old_tally, roll(20));
        }
        ASSERT_TRUE(rollout_->is_over()) << "run " << run << " is " << to_string(rollout_->phase());
        ASSERT_NE(settled_, taken_back_);
    }
}

} // namespace
} // namespace mpsup::core
