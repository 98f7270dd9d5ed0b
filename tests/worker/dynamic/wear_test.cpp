#include "worker/dynamic/wear.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;

constexpr Wear::TimePoint birth = Wear::TimePoint{} + 1h;

contract::Recycle limits() {
    contract::Recycle limits;
    limits.jitter = 0;
    return limits;
}

TEST(Wear, WithoutLimitsThereIsNone) {
    const Wear wear(limits(), 1, birth);
    EXPECT_FALSE(wear.check(1'000'000'000, 1ULL << 50, 1ULL << 50, birth + 1000h));
    EXPECT_FALSE(wear.check_idle(birth, birth + 1000h));
    EXPECT_FALSE(wear.next_look(birth));
    EXPECT_FALSE(wear.wants_memory());
}

TEST(Wear, CountsRequests) {
    auto rule = limits();
    rule.requests = 100;
    const Wear wear(rule, 1, birth);
    EXPECT_FALSE(wear.check(99, 0, 0, birth));
    EXPECT_EQ(wear.check(100, 0, 0, birth), WearReason::requests);
}

TEST(Wear, WeighsMemoryOnlyWhereItIsAsked) {
    auto rule = limits();
    rule.rss = 100;
    Wear wear(rule, 1, birth);
    EXPECT_TRUE(wear.wants_memory());
    EXPECT_FALSE(wear.check(1, 99, 1000, birth));
    EXPECT_EQ(wear.check(1, 100, 0, birth), WearReason::rss);
    rule = limits();
    rule.unshared = 10;
    wear = Wear(rule, 1, birth);
    EXPECT_TRUE(wear.wants_memory());
    EXPECT_EQ(wear.check(1, 1000, 10, birth), WearReason::unshared);
}

TEST(Wear, AgesWhetherItWorksOrNot) {
    auto rule = limits();
    rule.age = 10s;
    const Wear wear(rule, 1, birth);
    EXPECT_FALSE(wear.check(1, 0, 0, birth + 9s));
    EXPECT_EQ(wear.check(1, 0, 0, birth + 10s), WearReason::age);
    EXPECT_EQ(wear.check_idle(birth + 9s, birth + 10s), WearReason::age);
    EXPECT_EQ(wear.next_look(birth + 9s), birth + 10s);
}

TEST(Wear, IsTiredOfDoingNothing) {
    auto rule = limits();
    rule.idle = 5s;
    const Wear wear(rule, 1, birth);
    EXPECT_FALSE(wear.check_idle(birth + 1h, birth + 1h + 4s));
    EXPECT_EQ(wear.check_idle(birth + 1h, birth + 1h + 5s), WearReason::idle);
    EXPECT_EQ(wear.next_look(birth + 1h), birth + 1h + 5s);
}

TEST(Wear, LooksAgainAtWhicheverComesFirst) {
    auto rule = limits();
    rule.idle = 5s;
    rule.age = 10s;
    const Wear wear(rule, 1, birth);
    EXPECT_EQ(wear.next_look(birth), birth + 5s);
    EXPECT_EQ(wear.next_look(birth + 8s), birth + 10s);
}

TEST(Wear, JitterOnlyLowersLimitsAndByNoMoreThanItSays) {
    auto rule = limits();
    rule.jitter = 20;
    rule.requests = 100;
    rule.age = 100s;
    EXPECT_FALSE(Wear(rule, 0, birth).check(99, 0, 0, birth));
    EXPECT_TRUE(Wear(rule, 0, birth).check(100, 0, 0, birth));
    EXPECT_FALSE(Wear(rule, 1, birth).check(79, 0, 0, birth));
    EXPECT_TRUE(Wear(rule, 1, birth).check(80, 0, 0, birth));
    EXPECT_EQ(Wear(rule, 0.5, birth).next_look(birth), birth + 90s);
}

TEST(Wear, OfAllJitterEvenOneRequestIsServed) {
    auto rule = limits();
    rule.jitter = 100;
    rule.requests = 3;
    const Wear wear(rule, 1, birth);
    EXPECT_FALSE(wear.check(0, 0, 0, birth));
    EXPECT_TRUE(wear.check(1, 0, 0, birth));
}

} // namespace
} // namespace mpsup::dynamic
