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

TEST_F(Scoreboard, CountsWhatBecameOfPages) {
    writer_.count_page(PageFate::rewritten);
    writer_.count_page(PageFate::unwanted);
    writer_.count_page(PageFate::unwanted);
    EXPECT_EQ(reader_.read().pages, (PageCounts{1, 0, 0, 0, 0, 0, 0, 0, 2}));
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

TEST_F(Scoreboard, CountsWhatClientsGot) {
    writer_.count_reply(200, 900);
    writer_.count_reply(404, 1'000);
    writer_.count_reply(500, 40'000);
    writer_.count_reply(503, 40'000);
    const Traffic traffic = reader_.read_traffic();
    EXPECT_EQ(traffic.requests(), 4U);
    EXPECT_EQ(traffic.failures, 2U);
    EXPECT_EQ(traffic.latency.counts.at(latency_bucket(40'000)), 2U);
}

TEST_F(Scoreboard, KeepsTheLastFailure) {
    EXPECT_FALSE(reader_.read_failure());
    writer_.begin_request("POST", "/buy", 5);
    writer_.note_failure(502, "out of \x1bstock\r\nand more");
    const auto failure = reader_.read_failure();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->status, 502U);
    EXPECT_EQ(failure->method + " " + failure->uri, "POST /buy");
    EXPECT_EQ(failure->body, "out of ?stock");
    auto mapping = Mapping::read_write(board_.get(), sizeof(ScoreboardRecord)).value();
    static_cast<ScoreboardRecord*>(mapping.data())->failure.sequence.store(7);
    EXPECT_FALSE(reader_.read_failure()) << "it never holds still";
}

TEST_F(Scoreboard, ShowsNoMoreFailuresThanRequests) {
    auto mapping = Mapping::read_write(board_.get(), sizeof(ScoreboardRecord)).value();
    static_cast<ScoreboardRecord*>(mapping.data())->failures.store(~std::uint64_t{0});
    writer_.count_reply(200, 1);
    EXPECT_EQ(reader_.read_traffic().failures, 1U);
}

// The slow request, as a signal handler writes it down.
class SlowArea : public Scoreboard {
protected:
    void note(std::string_view stack, std::int64_t now_ms = 2000) {
        writer_.note_slow(now_ms, [stack](std::span<char> text) { return stack.copy(text.data(), text.size()); });
    }
};

TEST_F(SlowArea, IsEmptyUntilARequestWasSlow) {
    writer_.begin_request("GET", "/", 5);
    EXPECT_FALSE(reader_.read_slow());
}

TEST_F(SlowArea, HoldsTheRequestItsAgeAndItsStack) {
    writer_.begin_request("POST", "/report", 500);
    note("/a.pm:3 A::b\n/a.psgi:1 main::__ANON__\n");
    const auto slow = reader_.read_slow();
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->method, "POST");
    EXPECT_EQ(slow->uri, "/report");
    EXPECT_EQ(slow->age_ms, 1500);
    EXPECT_EQ(slow->frames, (std::vector<std::string>{"/a.pm:3 A::b", "/a.psgi:1 main::__ANON__"}));
}

TEST_F(SlowArea, OutlivesItsRequest) {
    writer_.begin_request("GET", "/slow", 500);
    note("a\n");
    writer_.end_request(2500);
    writer_.begin_request("GET", "/next", 2600);
    EXPECT_EQ(reader_.read_slow()->uri, "/slow");
    EXPECT_EQ(reader_.read().request->uri, "/next");
}

TEST_F(SlowArea, IsOverwrittenByTheNext) {
    writer_.begin_request("GET", "/one", 500);
    note("a\nb\nc\n");
    writer_.begin_request("GET", "/two", 3000);
    note("d\n", 3100);
    EXPECT_EQ(reader_.read_slow()->uri, "/two");
    EXPECT_EQ(reader_.read_slow()->age_ms, 100);
    EXPECT_EQ(reader_.read_slow()->frames, std::vector<std::string>{"d"});
}

TEST_F(SlowArea, ShowsNoControlCharacters) {
    writer_.begin_request("GET", "/", 500);
    note("/\x1b[2Ja.pm:3\tA::b\n");
    EXPECT_EQ(reader_.read_slow()->frames, std::vector<std::string>{"/?[2Ja.pm:3?A::b"});
}

TEST_F(SlowArea, WithoutAStackHasNoFrames) {
    writer_.begin_request("GET", "/", 500);
    note("");
    EXPECT_TRUE(reader_.read_slow()->frames.empty());
}

TEST_F(SlowArea, TakesAStackThatFillsIt) {
    writer_.begin_request("GET", "/", 500);
    note(std::string(100'000, 'x'));
    EXPECT_EQ(reader_.read_slow()->frames.at(0).size(), SlowRecord{}.text.size());
}

TEST_F(SlowArea, IsNotReadWhileItIsWrittenAndNotBeyondItsEnd) {
    writer_.begin_request("GET", "/", 500);
    note("a\n");
    auto mapping = Mapping::read_write(board_.get(), sizeof(ScoreboardRecord)).value();
    SlowRecord& slow = static_cast<ScoreboardRecord*>(mapping.data())->slow;
    slow.sequence.store(3);
    EXPECT_FALSE(reader_.read_slow());
    slow.sequence.store(4);
    slow.size = 0xffffffff;
    EXPECT_TRUE(reader_.read_slow());
    std::memset(mapping.data(), 0xff, mapping.size());
    EXPECT_FALSE(reader_.read_slow());
}

TEST(ScoreboardReader, MapsNothingThatCouldShrink) {
    const auto pipe = make_pipe();
    EXPECT_FALSE(ScoreboardReader::open(pipe->read.get()));
    const auto other = make_sealed_memfd("test", 4096);
    EXPECT_FALSE(ScoreboardReader::open(other->get()));
}

} // namespace
} // namespace mpsup::contract
