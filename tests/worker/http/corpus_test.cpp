// The corpus of Http11Probe, replayed through a Connection whose application answers 200 to everything.
#include "tests/worker/http/client.h"

#include "tests/worker/http/corpus.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

constexpr std::string_view good = "GET /good HTTP/1.1\r\nHost: localhost\r\n\r\n";

// What the client has read by the time the server is done with it: it waits as long as the server does.
MemoryClient replay(std::string_view bytes, std::size_t step) {
    MemoryClient client;
    client.send(bytes, step);
    for (int round = 0; round < 3 && !client.closed; ++round) client.wait(std::chrono::seconds(60));
    return client;
}

class Corpus : public testing::TestWithParam<CorpusCase> {};

TEST_P(Corpus, IsAnsweredAsExpected) {
    const auto& test = GetParam();
    const MemoryClient client = replay(test.bytes, std::string_view::npos);
    const auto statuses = client.statuses();
    const int first = statuses.empty() ? 0 : statuses.front();
    EXPECT_TRUE(passes(test.expected, first, client.closed)) << test.expected << ", got " << first;
    EXPECT_TRUE(client.closed);
    if (first >= 400) {
        EXPECT_EQ(statuses.size(), 1U) << "one refusal, and nothing after it";
        EXPECT_TRUE(client.received.contains("\r\nConnection: close\r\n"));
    }
}

TEST_P(Corpus, AnswersTheSameHoweverItIsCut) {
    const auto& test = GetParam();
    const MemoryClient whole = replay(test.bytes, std::string_view::npos);
    for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{4096}}) {
        const MemoryClient cut = replay(test.bytes, step);
        EXPECT_EQ(whole.replies(), cut.replies()) << "in pieces of " << step;
        EXPECT_EQ(whole.requests, cut.requests);
        EXPECT_EQ(whole.bodies, cut.bodies);
        EXPECT_EQ(whole.fields, cut.fields);
    }
}

TEST_P(Corpus, DoesNotDisturbAGoodRequestBeforeIt) {
    const auto& test = GetParam();
    const MemoryClient client = replay(std::string(good) + test.bytes, std::string_view::npos);
    ASSERT_FALSE(client.statuses().empty());
    EXPECT_EQ(client.statuses().front(), 200);
    ASSERT_FALSE(client.requests.empty());
    EXPECT_EQ(client.requests.front(), "GET /good HTTP/1.1");
}

INSTANTIATE_TEST_SUITE_P(Http11Probe, Corpus, testing::ValuesIn(load_corpus()),
                         [](const auto& instance) { return instance.param.name; });

TEST(CorpusFile, HoldsAllCases) { EXPECT_EQ(load_corpus().size(), 142U); }

} // namespace
} // namespace mpsup::http
