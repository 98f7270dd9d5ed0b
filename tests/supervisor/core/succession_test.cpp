#include "supervisor/core/succession.h"

#include <gtest/gtest.h>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

const Time now{1h};

TEST(SuccessionTest, LooksForNobodyUntilItIsOpened) {
    Succession succession;
    EXPECT_FALSE(succession.is_open());
    EXPECT_FALSE(succession.lapse(now));
    succession.open(now + 2s);
    EXPECT_EQ(succession.deadline(), now + 2s);
}

TEST(SuccessionTest, LapsesAtItsDeadlineOnce) {
    Succession succession;
    succession.choose(10, now + 90s);
    EXPECT_FALSE(succession.lapse(now + 89s));
    EXPECT_TRUE(succession.lapse(now + 90s));
    EXPECT_FALSE(succession.heir());
    EXPECT_FALSE(succession.lapse(now + 91s));
}

TEST(SuccessionTest, AnHeirThatEndsBringsTheDeadlineForward) {
    Succession succession;
    succession.choose(10, now + 90s);
    succession.gone(11, now);
    EXPECT_EQ(succession.deadline(), now + 90s);
    succession.gone(10, now + 1s);
    EXPECT_FALSE(succession.heir());
    EXPECT_TRUE(succession.lapse(now + 1s));
}

TEST(SuccessionTest, ChoosesOneWithoutNeedOnceAndNeverBesideAnother) {
    Succession succession;
    succession.choose(10, now + 90s);
    EXPECT_FALSE(succession.choose_without_need(11, now + 90s));
    succession.crowned();
    EXPECT_TRUE(succession.choose_without_need(11, now + 90s));
    succession.crowned();
    EXPECT_FALSE(succession.choose_without_need(12, now + 90s));
}

TEST(SuccessionTest, HasSomebodyNextOnlyAfterARivalFailed) {
    Succession succession;
    succession.speaks(10);
    EXPECT_FALSE(succession.next());
    succession.on_rival(true);
    EXPECT_EQ(succession.next(), 10);
    succession.choose(10, now + 90s);
    succession.speaks(11);
    EXPECT_FALSE(succession.next()) << "now it is a rival's turn";
}

TEST(SuccessionTest, TriesNobodyTwice) {
    Succession succession;
    succession.speaks(10);
    succession.choose(10, now + 90s);
    EXPECT_TRUE(succession.lapse(now + 90s));
    succession.on_rival(true);
    EXPECT_FALSE(succession.next());
    succession.gone(10, now + 91s);
    succession.speaks(10); // another process that got its pid
    EXPECT_EQ(succession.next(), 10);
}

TEST(SuccessionTest, OneThatWasLetGoOfWithoutNeedHasHadItsTurnOnceItSpoke) {
    Succession succession;
    EXPECT_TRUE(succession.choose_without_need(10, now + 90s));
    succession.speaks(10);
    EXPECT_TRUE(succession.lapse(now + 90s));
    succession.on_rival(true);
    EXPECT_FALSE(succession.next());
}

TEST(SuccessionTest, KeepsItsHeirWhenNobodyIsLookedForAnyMore) {
    Succession succession;
    succession.choose(10, now + 90s);
    succession.close();
    EXPECT_EQ(succession.heir(), 10) << "it has its order";
    EXPECT_FALSE(succession.lapse(now + 91s));
}

TEST(SuccessionTest, MovesItsDeadlineWithAPause) {
    Succession succession;
    succession.on_pause(1h);
    EXPECT_FALSE(succession.is_open());
    succession.open(now);
    succession.on_pause(1h);
    EXPECT_EQ(succession.deadline(), now + 1h);
}

} // namespace
} // namespace mpsup::core
