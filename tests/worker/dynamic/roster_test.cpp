#include "worker/dynamic/roster.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;

class RosterTest : public testing::Test {
protected:
    void fill(int count) {
        for (int i = 0; i < count; ++i) {
            roster_.forked(next_);
            roster_.ready(next_++, now_);
        }
    }
    void still_born() {
        roster_.forked(next_);
        roster_.gone(next_++, now_);
        oldest_ = next_;
    }
    Duration oldest_dies() { return roster_.gone(oldest_++, now_); }

    TimePoint now_ = TimePoint{} + 1h;
    Roster roster_{4, now_};
    pid_t next_ = 100;
    pid_t oldest_ = 100;
};

TEST_F(RosterTest, WantsAllOfThePoolAtFirst) {
    EXPECT_EQ(roster_.to_fork(now_), 4);
    EXPECT_FALSE(roster_.complete());
}

TEST_F(RosterTest, IsCompleteWhenEachIsReady) {
    roster_.forked(1);
    roster_.forked(2);
    roster_.forked(3);
    roster_.forked(4);
    EXPECT_EQ(roster_.to_fork(now_), 0);
    for (const pid_t pid : {1, 2, 3}) roster_.ready(pid, now_);
    EXPECT_FALSE(roster_.complete());
    roster_.ready(4, now_);
    EXPECT_TRUE(roster_.complete());
}

TEST_F(RosterTest, IsCompleteByTheSizeThatItHasBeforeItIs) {
    roster_.forked(1);
    roster_.ready(1, now_);
    roster_.complete_with(2);
    EXPECT_FALSE(roster_.complete());
    roster_.complete_with(1);
    EXPECT_TRUE(roster_.complete());
    roster_.complete_with(5);
    EXPECT_TRUE(roster_.complete()) << "once is for ever";
}

TEST_F(RosterTest, ReplacesAtOnceWhatHadBeenReady) {
    fill(4);
    EXPECT_EQ(oldest_dies(), 0s);
    EXPECT_EQ(roster_.to_fork(now_), 1);
    now_ += 2s;
    EXPECT_EQ(oldest_dies(), 2s);
    EXPECT_EQ(roster_.to_fork(now_), 2);
}

TEST_F(RosterTest, WaitsLongerEachTimeAChildDiesBeforeItIsReady) {
    still_born();
    EXPECT_EQ(roster_.to_fork(now_), 0);
    EXPECT_EQ(roster_.next_look(now_), now_ + 100ms);
    now_ += 100ms;
    EXPECT_GT(roster_.to_fork(now_), 0);
    still_born();
    EXPECT_EQ(roster_.next_look(now_), now_ + 200ms);
}

TEST_F(RosterTest, NeverWaitsLongerThanFiveSeconds) {
    for (int i = 0; i < 30; ++i) {
        still_born();
        EXPECT_LE(*roster_.next_look(now_) - now_, 5s);
        now_ += 5s;
    }
}

TEST_F(RosterTest, ForgetsThatChildrenWereNeverReadyWhenOneWas) {
    still_born();
    now_ += 10s;
    fill(1);
    oldest_dies();
    EXPECT_GT(roster_.to_fork(now_), 0);
}

TEST_F(RosterTest, ReplacesNoMoreThanTwentyInARowAndThenTwentyASecond) {
    Roster big(100, now_);
    for (pid_t pid = 1; pid <= 100; ++pid) {
        big.forked(pid);
        big.ready(pid, now_);
    }
    for (pid_t pid = 1; pid <= 50; ++pid) big.gone(pid, now_);
    EXPECT_EQ(big.to_fork(now_), 20);
    for (pid_t pid = 200; pid < 220; ++pid) big.forked(pid);
    EXPECT_EQ(big.to_fork(now_), 0);
    ASSERT_TRUE(big.next_look(now_));
    now_ += 500ms;
    EXPECT_EQ(big.to_fork(now_), 10);
}

TEST_F(RosterTest, ForksNobodyWhileItDrains) {
    fill(4);
    now_ += 2s;
    roster_.drain();
    oldest_dies();
    EXPECT_EQ(roster_.to_fork(now_), 0);
    EXPECT_FALSE(roster_.next_look(now_));
}

TEST_F(RosterTest, WaitsForNothingWhileThePoolIsWhole) {
    fill(4);
    EXPECT_FALSE(roster_.next_look(now_));
}

TEST_F(RosterTest, KnowsNothingOfStrangers) {
    fill(4);
    EXPECT_EQ(roster_.gone(99'999, now_), 0s);
    EXPECT_EQ(roster_.to_fork(now_), 0);
}

} // namespace
} // namespace mpsup::dynamic
