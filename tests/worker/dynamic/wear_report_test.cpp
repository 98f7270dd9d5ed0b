#include "worker/dynamic/wear_report.h"

#include <gtest/gtest.h>

#include <string>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;

class WearReportTest : public testing::Test {
protected:
    WearReport report(const contract::Recycle& limits) { return {limits, channel_.child, born_}; }
    void serve(WearReport& report, int requests) {
        for (int i = 0; i < requests; ++i) {
            scoreboard_.begin_request("GET", "/", 1, 0);
            scoreboard_.end_request(2);
            report.after_request(memory_, scoreboard_, born_);
        }
    }
    // All that the master hears.
    std::string heard() {
        std::string words;
        ChannelWord word{};
        while (channel_.master.hear(word) == ChildChannel::Heard::word) words += static_cast<char>(word);
        return words;
    }

    ChildChannel::Pair channel_ = ChildChannel::make().value();
    Fd shared_ = contract::make_scoreboard().value();
    contract::ScoreboardWriter scoreboard_ = contract::ScoreboardWriter::open(shared_.get()).value();
    WearReport::TimePoint born_{1h};
    OwnMemory memory_{nullptr, born_};
};

TEST_F(WearReportTest, SaysOnceThatItHasServedItsRequests) {
    contract::Recycle limits;
    limits.requests = 3;
    limits.jitter = 0;
    WearReport wear = report(limits);
    serve(wear, 2);
    EXPECT_EQ(heard(), "");
    serve(wear, 3);
    EXPECT_EQ(heard(), std::string(1, static_cast<char>(ChannelWord::worn_requests)));
    EXPECT_FALSE(wear.next_look(born_));
}

TEST_F(WearReportTest, SaysOnceThatItWouldBeAGoodMaster) {
    contract::Recycle limits;
    limits.refork = 2;
    WearReport wear = report(limits);
    serve(wear, 1);
    EXPECT_EQ(heard(), "");
    serve(wear, 5);
    EXPECT_EQ(heard(), std::string(1, static_cast<char>(ChannelWord::refork)));
}

TEST_F(WearReportTest, SaysOnceThatNobodyNeedsIt) {
    contract::Recycle limits;
    limits.idle = 10s;
    limits.jitter = 0;
    WearReport wear = report(limits);
    ASSERT_TRUE(wear.next_look(born_));
    wear.when_idle(born_, *wear.next_look(born_) - 1ms);
    EXPECT_EQ(heard(), "");
    const auto due = *wear.next_look(born_);
    wear.when_idle(born_, due);
    wear.when_idle(born_, due + 1h);
    EXPECT_EQ(heard(), std::string(1, static_cast<char>(ChannelWord::worn_idle)));
}

TEST_F(WearReportTest, LooksAtMemoryOnlyWhereThereIsALimit) {
    contract::Recycle limits;
    WearReport free = report(limits);
    serve(free, 200);
    EXPECT_EQ(memory_.rss(), 0U);
    limits.rss = 1;
    WearReport limited = report(limits);
    serve(limited, 1);
    EXPECT_GT(memory_.rss(), 0U);
    EXPECT_EQ(heard(), std::string(1, static_cast<char>(ChannelWord::worn_rss)));
}

} // namespace
} // namespace mpsup::dynamic
