#include "worker/accelerator/poison.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

using std::chrono::seconds;

class PoisonTest : public testing::Test {
protected:
    Poison poison{Poison::Policy{.deaths = 3, .time = seconds(60), .most = 3}};
    http::TimePoint now{seconds(1000)};
    std::string url = Poison::key("GET", "example.org", "/crash");
};

TEST_F(PoisonTest, QuarantinesWhatKilledThreeInARow) {
    EXPECT_FALSE(poison.anything_known());
    EXPECT_FALSE(poison.died(url, now));
    EXPECT_FALSE(poison.died(url, now));
    EXPECT_FALSE(poison.quarantined(url, now));
    EXPECT_TRUE(poison.died(url, now)) << "worth an event";
    EXPECT_TRUE(poison.quarantined(url, now));
    EXPECT_FALSE(poison.died(url, now)) << "but one only";
    EXPECT_FALSE(poison.quarantined(Poison::key("POST", "example.org", "/crash"), now));
}

TEST_F(PoisonTest, ForgetsDeathsWhenItIsAnswered) {
    EXPECT_FALSE(poison.died(url, now));
    EXPECT_FALSE(poison.died(url, now));
    poison.served(url);
    EXPECT_FALSE(poison.anything_known());
    EXPECT_FALSE(poison.died(url, now));
}

TEST_F(PoisonTest, LetsItTryAgainLaterButOnlyOnce) {
    for (int i = 0; i < 3; ++i) static_cast<void>(poison.died(url, now));
    EXPECT_EQ(poison.quarantined_for(url, now + seconds(20)), seconds(40));
    now += seconds(60);
    EXPECT_EQ(poison.quarantined_for(url, now), seconds(0));
    EXPECT_FALSE(poison.quarantined(url, now));
    EXPECT_TRUE(poison.died(url, now));
    EXPECT_TRUE(poison.quarantined(url, now));
}

TEST_F(PoisonTest, CountsDeathsInTheMidstOfAnAnswerOnlySoonAfterItsHead) {
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(poison.died_answering(url, now - seconds(6), now));
    EXPECT_FALSE(poison.anything_known()) << "a stream that has lasted was not what killed its child";
    EXPECT_FALSE(poison.died_answering(url, now - seconds(4), now));
    EXPECT_FALSE(poison.died(url, now));
    EXPECT_TRUE(poison.died_answering(url, now, now));
}

TEST_F(PoisonTest, ForgetsDeathsOfLongAgo) {
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(poison.died(url, now += seconds(601))) << i;
    EXPECT_FALSE(poison.died(url, now += seconds(599)));
    EXPECT_TRUE(poison.died(url, now += seconds(599)));
}

TEST_F(PoisonTest, ForgetsTheOldestWhenThereAreMany) {
    for (int i = 0; i < 3; ++i) static_cast<void>(poison.died(url, now));
    for (int i = 0; i < 3; ++i) static_cast<void>(poison.died(std::to_string(i), now += seconds(1)));
    EXPECT_FALSE(poison.quarantined(url, now));
}

} // namespace
} // namespace mpsup::accelerator
