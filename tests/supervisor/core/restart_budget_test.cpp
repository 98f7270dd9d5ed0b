#include "supervisor/core/restart_budget.h"

#include <gtest/gtest.h>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

class Budget : public testing::Test {
protected:
    RestartBudget::Verdict dies_after(Duration pause, Duration ready_for, double chance = 0.5) {
        now_ += pause;
        return budget_.on_death(now_, ready_for, chance);
    }
    RestartBudget budget_{RestartRule{5, 30s, 1s, 60s, 1s}};
    Time now_{};
};

TEST_F(Budget, ReplacesWhatHadSettledAtOnce) {
    EXPECT_EQ(dies_after(0s, 2s).wait, 0ms);
    EXPECT_EQ(dies_after(40s, 2s).wait, 0ms);
}

TEST_F(Budget, WaitsTwiceAsLongEachTime) {
    EXPECT_EQ(dies_after(0s, 0s).wait, 0ms);
    EXPECT_EQ(dies_after(0s, 0s).wait, 1000ms);
    EXPECT_EQ(dies_after(0s, 0s).wait, 2000ms);
    EXPECT_EQ(dies_after(0s, 0s).wait, 4000ms);
}

TEST_F(Budget, SpreadsTheWaitByAFifthEitherWay) {
    (void)dies_after(0s, 0s);
    EXPECT_EQ(dies_after(0s, 0s, 0.0).wait, 800ms);
    (void)dies_after(60s, 5s);
    EXPECT_EQ(dies_after(0s, 0s, 1.0).wait, 1200ms);
}

TEST_F(Budget, NeverWaitsLongerThanItsCap) {
    budget_.set_rule(RestartRule{1000, 30s, 1s, 5s, 1s});
    for (int i = 0; i < 100; ++i) EXPECT_LE(dies_after(0s, 0s).wait, 5s);
}

TEST_F(Budget, GivesUpAtTheFifthDeathWithinTheWindow) {
    for (int i = 0; i < 4; ++i) EXPECT_FALSE(dies_after(1s, 0s).give_up);
    const auto verdict = dies_after(1s, 0s);
    EXPECT_TRUE(verdict.give_up);
    EXPECT_EQ(verdict.deaths, 5);
}

TEST_F(Budget, ForgetsDeathsThatAreOlderThanTheWindow) {
    for (int i = 0; i < 20; ++i) EXPECT_FALSE(dies_after(8s, 0s).give_up);
}

TEST_F(Budget, StartsAfreshWhenSomebodyAsksAgain) {
    for (int i = 0; i < 4; ++i) (void)dies_after(1s, 0s);
    budget_.reset();
    EXPECT_FALSE(dies_after(1s, 0s).give_up);
}

} // namespace
} // namespace mpsup::core
