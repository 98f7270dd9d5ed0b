#include "worker/dynamic/pool_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;
using contract::PoolMode;
using State = ChildView::State;

// A pool whose children do what they are told at once.
class PoolPolicyTest : public testing::Test {
protected:
    void make(const contract::PoolSize& size) { policy_ = PoolPolicy(size); }
    void have(int idle, int busy = 0, int starting = 0) {
        children_.clear();
        add(idle, State::idle);
        add(busy, State::busy);
        add(starting, State::starting);
    }
    void add(int count, State state) {
        for (; count > 0; --count) children_.push_back({next_++, state, now_});
    }
    int wanted(bool client_waits = false, int room = 0) const { return policy_.wanted(children_, client_waits, room); }
    // Lets a child go, as a master would.
    bool retire() {
        const auto pid = policy_.to_retire(children_, now_);
        for (ChildView& child : children_)
            if (pid && child.pid == *pid) child.leaving = true;
        return pid.has_value();
    }
    int present() const { return static_cast<int>(std::ranges::count(children_, false, &ChildView::leaving)); }

    static contract::PoolSize fixed(int size) { return {PoolMode::fixed, size, size, 0, 0, 0ms}; }
    static contract::PoolSize between(int min, int max, int min_spare, int max_spare) {
        return {PoolMode::dynamic, min, max, min_spare, max_spare, 10s};
    }
    static contract::PoolSize ondemand(int max) { return {PoolMode::ondemand, 0, max, 0, 0, 10s}; }

    TimePoint now_ = TimePoint{} + 1h;
    PoolPolicy policy_{fixed(4)};
    std::vector<ChildView> children_;
    pid_t next_ = 100;
};

TEST_F(PoolPolicyTest, OfFixedSizeIsAlwaysThatMany) {
    make(fixed(4));
    EXPECT_EQ(policy_.initial(), 4);
    have(0);
    EXPECT_EQ(wanted(), 4);
    have(0, 4);
    EXPECT_EQ(wanted(true), 4);
    have(4);
    now_ += 1h;
    EXPECT_FALSE(retire());
    EXPECT_FALSE(policy_.next_look(children_, now_)) << "no time changes anything";
}

TEST_F(PoolPolicyTest, DynamicBeginsWithItsSmallestSize) {
    make(between(3, 9, 1, 2));
    EXPECT_EQ(policy_.initial(), 3);
}

TEST_F(PoolPolicyTest, DynamicMakesUpForMissingSpareOnesAtOnce) {
    make(between(2, 9, 3, 5));
    have(1, 2);
    EXPECT_EQ(wanted(), 5);
}

TEST_F(PoolPolicyTest, DynamicCountsThoseThatAreOnTheirWay) {
    make(between(2, 9, 3, 5));
    have(1, 2, 2);
    EXPECT_EQ(wanted(), 5) << "as many as there are";
}

TEST_F(PoolPolicyTest, DynamicNeverGoesBeyondItsLargestSize) {
    make(between(2, 4, 3, 5));
    have(0, 4);
    EXPECT_EQ(wanted(true), 4);
}

TEST_F(PoolPolicyTest, DynamicWithoutSpareOnesGrowsForAClientThatWaits) {
    make(between(1, 4, 0, 2));
    EXPECT_EQ(policy_.spare(), 1) << "the last idle one says that it is taken";
    have(0, 1);
    EXPECT_EQ(wanted(false), 1);
    EXPECT_TRUE(policy_.watches_queue(children_));
    EXPECT_EQ(wanted(true), 2);
}

TEST_F(PoolPolicyTest, DynamicLetsTheColdestGo) {
    make(between(1, 9, 1, 2));
    have(4);
    children_[2].last_busy = now_ - 1min;
    EXPECT_EQ(policy_.to_retire(children_, now_), children_[2].pid);
}

TEST_F(PoolPolicyTest, DynamicLetsNobodyGoWhoWasBusyALittleWhileAgo) {
    make(between(1, 9, 1, 2));
    have(8);
    now_ += 9s;
    EXPECT_FALSE(retire());
    EXPECT_EQ(policy_.next_look(children_, now_), now_ + 1s);
    now_ += 1s;
    EXPECT_TRUE(retire());
}

TEST_F(PoolPolicyTest, DynamicLetsOneGoASecond) {
    make(between(1, 9, 1, 2));
    have(8);
    now_ += 10s;
    EXPECT_TRUE(retire());
    EXPECT_FALSE(retire());
    now_ += 1s;
    EXPECT_TRUE(retire());
}

TEST_F(PoolPolicyTest, DynamicKeepsItsSpareOnesAndItsSmallestSize) {
    make(between(4, 9, 1, 2));
    have(2, 3);
    now_ += 1h;
    EXPECT_FALSE(retire()) << "two idle ones are not too many";
    have(6);
    int gone = 0;
    for (int i = 0; i < 20; ++i) {
        now_ += 10s;
        gone += retire() ? 1 : 0;
    }
    EXPECT_EQ(gone, 2) << "never fewer than four";
}

TEST_F(PoolPolicyTest, DynamicComesToRest) {
    make(between(1, 9, 2, 3));
    have(9);
    for (int i = 0; i < 30; ++i) { // what leaves is not forked again, what is forked does not leave
        now_ += 10s;
        const int before = present();
        if (!retire()) break;
        EXPECT_LE(wanted(), before);
    }
    EXPECT_EQ(present(), 3);
    EXPECT_EQ(wanted(), 3);
}

TEST_F(PoolPolicyTest, OndemandBeginsWithNobodyAndIsCompleteSo) {
    make(ondemand(4));
    EXPECT_EQ(policy_.initial(), 0);
    EXPECT_EQ(wanted(), 0);
    EXPECT_TRUE(policy_.watches_queue(children_));
}

TEST_F(PoolPolicyTest, OndemandGrowsByOneForAClientThatNobodyCanTake) {
    make(ondemand(4));
    EXPECT_EQ(wanted(true), 1);
    have(0, 0, 1);
    EXPECT_EQ(wanted(true), 1) << "it is on its way";
    EXPECT_FALSE(policy_.watches_queue(children_));
    have(1, 1);
    EXPECT_EQ(wanted(true), 2) << "an idle one takes it";
    have(0, 2);
    EXPECT_EQ(wanted(true), 3);
}

TEST_F(PoolPolicyTest, OndemandIsNotWokenByAQueueItCanDoNothingAbout) {
    make(ondemand(4));
    have(0, 4);
    EXPECT_FALSE(policy_.watches_queue(children_)) << "or its master would never sleep";
    EXPECT_EQ(wanted(true), 4);
}

TEST_F(PoolPolicyTest, OndemandGoesBackToNobody) {
    make(ondemand(4));
    have(2);
    now_ += 9s;
    EXPECT_FALSE(retire());
    now_ += 1s;
    EXPECT_TRUE(retire());
    now_ += 1s;
    EXPECT_TRUE(retire());
    EXPECT_EQ(present(), 0);
    EXPECT_FALSE(policy_.next_look(children_, now_));
}

TEST_F(PoolPolicyTest, AutoGrowsAsFarAsMemoryGoes) {
    make(between(1, 0, 2, 3));
    have(0, 3);
    EXPECT_EQ(wanted(false, 10), 5);
    EXPECT_EQ(wanted(false, 1), 4);
    EXPECT_EQ(wanted(false, 0), 3);
}

TEST_F(PoolPolicyTest, AutoNeverStopsBelowItsSmallestSizeHoweverLittleMemoryThereIs) {
    make(between(2, 0, 1, 3));
    have(0);
    EXPECT_EQ(wanted(false, 0), 2);
    make(ondemand(0));
    EXPECT_EQ(wanted(true, 0), 1) << "somebody must serve";
}

TEST_F(PoolPolicyTest, AutoHasNoMoreChildrenThanAPoolMayHave) {
    make(between(1, 0, 500, 600));
    have(0, 900);
    EXPECT_EQ(wanted(false, 1000), PoolPolicy::most);
}

TEST_F(PoolPolicyTest, MadeSmallerLetsIdleOnesGoAtOnce) {
    have(3, 1);
    policy_.resize(fixed(2));
    EXPECT_TRUE(retire());
    EXPECT_TRUE(retire());
    EXPECT_FALSE(retire());
    EXPECT_EQ(present(), 2);
    EXPECT_EQ(std::ranges::count_if(children_, [](const ChildView& c) { return c.leaving && c.state == State::busy; }),
              0);
}

TEST_F(PoolPolicyTest, MadeSmallerLetsBusyOnesFinishAndGo) {
    have(0, 3);
    policy_.resize(fixed(2));
    EXPECT_TRUE(retire());
    EXPECT_FALSE(retire());
}

TEST_F(PoolPolicyTest, MadeLargerWantsTheRest) {
    have(4);
    policy_.resize(fixed(6));
    EXPECT_EQ(wanted(), 6);
}

TEST_F(PoolPolicyTest, WhatIsLeavingCountsForNothing) {
    make(between(2, 9, 1, 2));
    have(2);
    children_[0].leaving = true;
    EXPECT_EQ(wanted(), 2);
    now_ += 1h;
    EXPECT_FALSE(retire());
}

} // namespace
} // namespace mpsup::dynamic
