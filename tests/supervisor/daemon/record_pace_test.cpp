#include "supervisor/daemon/record_pace.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

const RecordPace::TimePoint now{1h};

TEST(RecordPaceTest, SmallStatesAreWrittenAtOnce) {
    RecordPace pace;
    EXPECT_TRUE(pace.may_write(32, now));
    EXPECT_TRUE(pace.may_write(32, now));
}

TEST(RecordPaceTest, LargeOnesAsOftenAsTheirSizeAllows) {
    RecordPace pace;
    EXPECT_TRUE(pace.may_write(1000, now));
    EXPECT_FALSE(pace.may_write(1000, now + 99ms));
    EXPECT_EQ(pace.next(), now + 100ms);
    EXPECT_TRUE(pace.may_write(1000, now + 100ms));
    EXPECT_TRUE(pace.may_write(3, now + 101ms)) << "it has become small";
}

} // namespace
} // namespace mpsup
