#include "worker/contract/scoreboard.h"

#include <gtest/gtest.h>

#include <cstring>

namespace mpsup::contract {
namespace {

class Scoreboard : public testing::Test {
protected:
    void SetUp() override {
        board_ = make_scoreboard().value();
        writer_ = ScoreboardWriter::open(board_.get()).value();
        reader_ = ScoreboardReader::open(board_.get()).value();
    }
    Fd board_;
    ScoreboardWriter writer_;
    ScoreboardReader reader_;
};

TEST_F(Scoreboard, ShowsWhatAProcessDoes) {
    EXPECT_EQ(reader_.read().activity, 'S');
    writer_.set(Activity::waiting);
    EXPECT_EQ(reader_.read().activity, '_');
    writer_.begin_request("GET", "/a/page", 1234);
    const auto busy = reader_.read();
    EXPECT_EQ(busy.activity, 'W');
    ASSERT_TRUE(busy.request);
    EXPECT_EQ(busy.request->method, "GET");
    EXPECT_EQ(busy.request->uri, "/a/page");
    EXPECT_EQ(busy.request->since_ms, 1234);
    writer_.end_request(2345);
    EXPECT_EQ(reader_.read().requests, 1U);
    EXPECT_FALSE(reader_.read().request);
}

TEST_F(Scoreboard, CutsLongTextAndShowsNoControlCharacters) {
    writer_.begin_request(std::string(100, 'M'), "/\x1b[31m" + std::string(1000, 'x'), 1);
    const auto snapshot = reader_.read();
    ASSERT_TRUE(snapshot.request);
    EXPECT_EQ(snapshot.request->method.size(), 14U);
    EXPECT_EQ(snapshot.request->uri.size(), 207U);
    EXPECT_EQ(snapshot.request->uri.find('\x1b'), std::string::npos);
}

TEST_F(Scoreboard, SurvivesRubbish) {
    auto mapping = Mapping::read_write(board_.get(), sizeof(ScoreboardRecord)).value();
    for (const int byte : {0x00, 0xff, 0x41}) {
        std::memset(mapping.data(), byte, mapping.size());
        const auto snapshot = reader_.read();
        EXPECT_EQ(snapshot.activity, '?');
        EXPECT_FALSE(snapshot.request);
    }
}

TEST_F(Scoreboard, IsReadWithoutItsRequestWhenItNeverHoldsStill) {
    writer_.begin_request("GET", "/", 5);
    auto mapping = Mapping::read_write(board_.get(), sizeof(ScoreboardRecord)).value();
    static_cast<ScoreboardRecord*>(mapping.data())->sequence.store(7);
    EXPECT_FALSE(reader_.read().request);
}

TEST(ScoreboardReader, MapsNothingThatCouldShrink) {
    const auto pipe = make_pipe();
    EXPECT_FALSE(ScoreboardReader::open(pipe->read.get()));
    const auto other = make_sealed_memfd("test", 4096);
    EXPECT_FALSE(ScoreboardReader::open(other->get()));
}

} // namespace
} // namespace mpsup::contract
