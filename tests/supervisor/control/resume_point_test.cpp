#include "supervisor/control/resume_point.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(ResumePoint, NothingIsToldTwiceAndNothingIsLost) {
    ResumePoint point;
    EXPECT_EQ(point.since_ms(), std::nullopt);
    EXPECT_TRUE(point.take(1000, "long ago"));
    EXPECT_TRUE(point.take(10'000, "a"));
    EXPECT_TRUE(point.take(10'000, "a")) << "the same is written twice";
    EXPECT_TRUE(point.take(9000, "late"));
    EXPECT_EQ(point.since_ms(), 8500);
    point.interrupt();
    EXPECT_FALSE(point.take(9000, "late"));
    EXPECT_TRUE(point.take(9500, "in between"));
    EXPECT_FALSE(point.take(10'000, "a"));
    EXPECT_FALSE(point.take(10'000, "a"));
    EXPECT_TRUE(point.take(10'000, "a")) << "a third time";
    EXPECT_TRUE(point.take(10'000, "b")) << "in the same second";
    point.interrupt();
    EXPECT_FALSE(point.take(10'000, "b"));
}

TEST(ResumePoint, RemembersSoMuch) {
    ResumePoint point;
    for (int i = 0; i < 30'000; ++i) EXPECT_TRUE(point.take(5000, std::to_string(i)));
    point.interrupt();
    int known = 0;
    for (int i = 0; i < 30'000; ++i) known += point.take(5000, std::to_string(i)) ? 0 : 1;
    EXPECT_EQ(known, 20'000);
}

} // namespace
} // namespace mpsup
