#include "worker/dynamic/idle_watch.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;

class IdleWatchTest : public testing::Test {
protected:
    void begin_round() {
        watch_.ask(now_);
        now_ += IdleWatch::settle;
        ASSERT_TRUE(watch_.begin(now_));
    }
    void pass(std::chrono::milliseconds time) { now_ += time; }
    std::size_t silent() { return watch_.silent(now_).size(); }

    IdleWatch watch_;
    IdleWatch::TimePoint now_{1h};
};

TEST_F(IdleWatchTest, WakesNobodyUnlessSomebodyAsks) {
    EXPECT_FALSE(watch_.next_look());
    begin_round();
    watch_.pinged(1, 7);
    watch_.answered(1);
    pass(IdleWatch::patience);
    EXPECT_EQ(silent(), 0U);
    EXPECT_FALSE(watch_.next_look()) << "and then it rests again";
}

TEST_F(IdleWatchTest, NamesWhoDoesNotAnswerWithinThreeSeconds) {
    EXPECT_LT(IdleWatch::settle + IdleWatch::patience, 3s);
    begin_round();
    watch_.pinged(1, 7);
    watch_.pinged(2, 0);
    watch_.answered(2);
    pass(IdleWatch::patience - 1ms);
    EXPECT_EQ(silent(), 0U);
    pass(1ms);
    const auto found = watch_.silent(now_);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].pid, 1);
    EXPECT_EQ(found[0].served, 7U);
}

TEST_F(IdleWatchTest, JudgesNobodyAfterAPauseOfItsOwn) {
    begin_round();
    watch_.pinged(1, 0);
    watch_.stopped(2, now_);
    pass(1h);
    EXPECT_EQ(silent(), 0U);
    EXPECT_TRUE(watch_.long_stopped(now_).empty());
    pass(IdleWatch::settle);
    EXPECT_TRUE(watch_.begin(now_)) << "but asks again";
    pass(IdleWatch::patience);
    EXPECT_EQ(watch_.long_stopped(now_).size(), 1U) << "who is still stopped then is";
}

TEST_F(IdleWatchTest, ForgetsWhoIsGone) {
    begin_round();
    watch_.pinged(1, 0);
    watch_.stopped(1, now_);
    watch_.gone(1);
    pass(IdleWatch::patience);
    EXPECT_EQ(silent(), 0U);
    EXPECT_TRUE(watch_.long_stopped(now_).empty());
}

} // namespace
} // namespace mpsup::dynamic
