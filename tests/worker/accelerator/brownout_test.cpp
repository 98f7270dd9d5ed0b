#include "worker/accelerator/brownout.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

using std::chrono::milliseconds;

TEST(Brownout, PrefersWhatIsStaleWhileTheQueueIsOverItsTargetAndShedsWhatWouldHardlyBeServed) {
    Brownout brownout(milliseconds(1000), milliseconds(10'000));
    const http::TimePoint now(std::chrono::seconds(1000));
    EXPECT_EQ(brownout.judge(std::nullopt, now), Load::normal);
    EXPECT_EQ(brownout.judge(now - milliseconds(999), now), Load::normal);
    EXPECT_EQ(brownout.judge(now - milliseconds(1000), now), Load::stale);
    EXPECT_EQ(brownout.judge(now - milliseconds(4999), now), Load::stale);
    EXPECT_EQ(brownout.judge(now - milliseconds(5000), now), Load::shed);
    EXPECT_EQ(brownout.judge(now - milliseconds(600), now), Load::stale) << "not over it yet";
    EXPECT_EQ(brownout.judge(now - milliseconds(400), now), Load::normal);
    EXPECT_EQ(brownout.judge(now - milliseconds(600), now), Load::normal);
}

TEST(Brownout, ShedsNobodyBeforeTheTarget) {
    Brownout brownout(milliseconds(1000), milliseconds(500));
    const http::TimePoint now(std::chrono::seconds(1000));
    EXPECT_EQ(brownout.judge(now - milliseconds(999), now), Load::normal);
    EXPECT_EQ(brownout.judge(now - milliseconds(1000), now), Load::shed);
}

TEST(Brownout, IsNeverWithoutATarget) {
    Brownout brownout(milliseconds(0), milliseconds(10'000));
    const http::TimePoint now(std::chrono::seconds(1000));
    EXPECT_FALSE(brownout.possible());
    EXPECT_EQ(brownout.judge(now - milliseconds(100'000), now), Load::normal);
}

} // namespace
} // namespace mpsup::accelerator
