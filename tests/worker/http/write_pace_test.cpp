#include "worker/http/write_pace.h"

#include <gtest/gtest.h>
#include <limits>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

class Pace : public testing::Test {
protected:
    Pace() {
        deadlines.write_stall = 10s;
        deadlines.write_rate = 100;
    }
    TimePoint look(std::uint64_t taken, TimePoint now) { return pace.look(taken, now, deadlines); }

    const TimePoint start = TimePoint() + 1h;
    Deadlines deadlines;
    WritePace pace;
};

TEST_F(Pace, EndsWithTheFirstStall) {
    pace.begin(0, start);
    EXPECT_EQ(look(0, start + 9s), start + 10s);
}

TEST_F(Pace, Fault57IsKeptByWhoTakesBytesFastEnough) {
    pace.begin(0, start);
    for (int second = 1; second < 1000; ++second)
        EXPECT_GT(look(static_cast<std::uint64_t>(second) * 100, start + second * 1s), start + second * 1s) << second;
}

TEST_F(Pace, Fault57EndsForWhoDripsTooSlowly) {
    pace.begin(0, start);
    int second = 0;
    while (look(static_cast<std::uint64_t>(second) * 50, start + second * 1s) > start + second * 1s) ++second;
    EXPECT_EQ(second, 20) << "ten seconds, and half of each that passes";
}

TEST_F(Pace, MayBeAny) {
    deadlines.write_rate = 0;
    pace.begin(0, start);
    for (int second = 1; second < 1000; ++second)
        EXPECT_EQ(look(static_cast<std::uint64_t>(second), start + second * 1s), start + second * 1s + 10s);
}

TEST_F(Pace, BearsAnyNumberOfBytes) {
    deadlines.write_rate = 1;
    for (const std::uint64_t taken : {std::uint64_t{10'000'000'000}, std::numeric_limits<std::uint64_t>::max()}) {
        pace.begin(taken, start);
        EXPECT_EQ(look(taken, start + 1s), start + 10s) << taken;
    }
}

TEST_F(Pace, CountsNothingButWaiting) {
    pace.begin(0, start);
    pace.end(start + 4s);
    pace.begin(100, start + 1h);
    EXPECT_EQ(look(101, start + 1h + 6s), start + 1h + 7s + 10ms);
}

TEST_F(Pace, IsNotLostWithBytesThatSeemToBeTakenBack) {
    pace.begin(1000, start);
    EXPECT_EQ(look(900, start + 1s), start + 10s);
}

} // namespace
} // namespace mpsup::http
