#include "supervisor/core/ticks.h"

#include "tests/supervisor/core/worker_fixture.h"

#include <gtest/gtest.h>

namespace mpsup::core {
namespace {

constexpr Time start{1'000s};

TEST(TicksTest, LooksEverySecondBeforeADeadline) {
    EXPECT_EQ(next_look(start + 10min, start), start + 9min) << "it is far away";
    EXPECT_EQ(next_look(start + 1min, start), start + 1s);
    EXPECT_EQ(next_look(start + 300ms, start), start + 300ms);
    EXPECT_EQ(next_look(start - 1s, start), start - 1s) << "it is over";
}

TEST(TicksTest, AllThatATickIsLateIsGivenBack) {
    EXPECT_EQ(stood_still(start, start), 0ms);
    EXPECT_EQ(stood_still(start, start + 700ms), 700ms);
    EXPECT_EQ(stood_still(start, start + 1s), 1s);
    EXPECT_EQ(stood_still(start, start + 1min), 61s) << "and the tick before";
}

class TickingWorkerTest : public WorkerTest {};

// Each tick is as late as it is long: half of the time nobody could do anything.
TEST_F(TickingWorkerTest, ManyShortPausesTakeNobodysGrace) {
    (void)serve_light();
    worker_.stop(now_);
    const Time told = now_;
    Duration awake{0};
    while (count<Kill>() == 0 && now_ < told + 10min) {
        const Time wanted = next_look(worker_.next_deadline().value_or(now_), now_);
        awake += std::chrono::duration_cast<Duration>(wanted - now_);
        now_ = wanted + 1s;
        worker_.on_pause(stood_still(wanted, now_));
        worker_.on_time(now_);
    }
    EXPECT_EQ(awake, worker_.rules().limits.grace);
}

} // namespace
} // namespace mpsup::core
