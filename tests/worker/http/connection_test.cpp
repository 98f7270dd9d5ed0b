#include "worker/http/connection.h"

#include "tests/worker/http/client.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;
using Statuses = std::vector<int>;

constexpr std::string_view get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(Connection, AnswersOneRequestAfterTheOther) {
    MemoryClient client;
    client.send(get).send(get);
    EXPECT_EQ(client.statuses(), (Statuses{200, 200}));
    EXPECT_FALSE(client.closed);
    EXPECT_TRUE(client.connection().idle());
}

TEST(Connection, AnswersAThousandPipelinedRequests) {
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
    MemoryClient client;
    client.send(bytes);
    ASSERT_EQ(client.requests.size(), 1000U);
    EXPECT_EQ(client.requests[999], "GET /999 HTTP/1.1");
}

TEST(Connection, KeepsBodiesAndPipelinedRequestsApart) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{5}, std::size_t{10'000}}) {
        MemoryClient client;
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
                    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nworld\r\n0\r\n\r\n"
                    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                    step);
        EXPECT_EQ(client.bodies, (std::vector<std::string>{"hello", "world", ""}));
        EXPECT_EQ(client.statuses(), (Statuses{200, 200, 200}));
    }
}

TEST(Connection, StreamsBodiesLargerThanItsBuffer) {
    const std::string body(1'000'000, 'b');
    MemoryClient client;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").send(body, 10'000);
    ASSERT_EQ(client.bodies.size(), 1U);
    EXPECT_EQ(client.bodies[0], body);
    EXPECT_EQ(client.fields[0], "Host=x;Content-Length=1000000;") << "the head stays readable to the end";
    EXPECT_TRUE(client.connection().idle());
}

TEST(Connection, ClosesWhenTheClientAsksForIt) {
    MemoryClient client;
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.received.contains("\r\nConnection: close\r\n"));
    EXPECT_TRUE(client.closed);
    EXPECT_FALSE(client.lingering) << "nothing can be on its way";
}

TEST(Connection, LingersAfterARefusal) {
    MemoryClient client;
    client.send("GET / HTTP/9.9\r\n\r\n");
    EXPECT_EQ(client.statuses(), (Statuses{505}));
    EXPECT_TRUE(client.lingering);
    EXPECT_FALSE(client.closed);
    client.send(std::string(70'000, 'x'));
    EXPECT_TRUE(client.closed) << "64 KiB are enough";
}

TEST(Connection, StopsLingeringWhenTheClientHangsUpOrTakesTooLong) {
    MemoryClient one;
    one.send("bad\r\n").hang_up();
    EXPECT_TRUE(one.closed);
    MemoryClient other;
    other.send("bad\r\n").wait(999ms);
    EXPECT_FALSE(other.closed);
    other.wait(2ms);
    EXPECT_TRUE(other.closed);
}

TEST(Connection, AnswersNothingAfterARefusal) {
    MemoryClient client;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n" + std::string(get));
    EXPECT_EQ(client.statuses(), (Statuses{400}));
    EXPECT_TRUE(client.requests.empty());
}

TEST(Connection, SaysContinueOnlyWhenTheBodyIsWantedAndNotThere) {
    MemoryClient waits;
    waits.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(waits.received, continue_reply);
    waits.send("hello");
    EXPECT_EQ(waits.statuses(), (Statuses{100, 200}));

    MemoryClient hasty;
    hasty.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello");
    EXPECT_EQ(hasty.statuses(), (Statuses{200}));

    MemoryClient unwanted;
    unwanted.want_body = false;
    unwanted.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(unwanted.statuses(), (Statuses{200}));
    EXPECT_TRUE(unwanted.received.contains("Connection: close"));
}

TEST(Connection, EndsAfterAReplyThatCameBeforeTheBody) {
    MemoryClient client;
    client.want_body = false;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.statuses(), (Statuses{200}));
    EXPECT_TRUE(client.received.contains("Connection: close"));
    EXPECT_TRUE(client.lingering);
}

TEST(Connection, AnswersOptionsForTheServerItself) {
    MemoryClient client;
    client.send("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").send(get);
    EXPECT_EQ(client.statuses(), (Statuses{204, 200}));
    EXPECT_TRUE(client.received.contains("\r\nAllow: GET, HEAD"));
    EXPECT_EQ(client.requests.size(), 1U);
}

TEST(Connection, SaysMethodsWithARefusedOne) {
    MemoryClient client;
    client.send("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.statuses(), (Statuses{405}));
    EXPECT_TRUE(client.received.contains("\r\nAllow: GET, HEAD"));
}

TEST(Connection, SendsNoContentForHead) {
    MemoryClient client;
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").send(get);
    EXPECT_EQ(client.statuses(), (Statuses{200, 200}));
    EXPECT_TRUE(client.received.contains("Content-Length: 1\r\n\r\nHTTP/1.1")) << client.received;
}

TEST(Connection, GivesAHeadTenSecondsInAll) {
    MemoryClient client;
    client.send("GET / HTT");
    for (int i = 0; i < 9; ++i) client.wait(1s).send("P");
    EXPECT_TRUE(client.received.empty());
    client.wait(1001ms);
    EXPECT_EQ(client.statuses(), (Statuses{408}));
}

TEST(Connection, HangsUpOnSilenceWithoutAWord) {
    MemoryClient fresh;
    fresh.send("").wait(10'001ms);
    EXPECT_TRUE(fresh.closed);
    EXPECT_EQ(fresh.received, "");
    MemoryClient idle;
    idle.send(get).wait(14'900ms);
    EXPECT_FALSE(idle.closed);
    idle.wait(200ms);
    EXPECT_TRUE(idle.closed);
    EXPECT_EQ(idle.statuses(), (Statuses{200}));
}

TEST(Connection, GivesUpABodyThatStalls) {
    MemoryClient client;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel").wait(9s).send("l").wait(10'001ms);
    EXPECT_EQ(client.statuses(), (Statuses{408}));
}

TEST(Connection, GivesUpABodyThatDripsTooSlowly) {
    MemoryClient client;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 30 && client.received.empty(); ++i) client.wait(1s).send("0123456789");
    EXPECT_EQ(client.statuses(), (Statuses{408})) << "ten bytes a second are fewer than five hundred";
    MemoryClient steady;
    steady.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n");
    for (int i = 0; i < 100; ++i) steady.wait(1s).send(std::string(1000, 'x'));
    EXPECT_EQ(steady.statuses(), (Statuses{200}));
}

TEST(Connection, HasNoDeadlineWhileTheHandlerThinks) {
    MemoryClient client;
    client.answering = false;
    client.send(get);
    EXPECT_EQ(client.connection().deadline(), std::nullopt);
}

TEST(Connection, TimesTheWritingOfAReplyFromItsLastProgress) {
    MemoryClient client;
    client.answering = false;
    client.send(get);
    BodyFraming framing{};
    ASSERT_EQ(client.connection().respond({200, {}, 5, false}, framing, client.now), HeadProblem::none);
    EXPECT_EQ(client.connection().deadline(), client.now + 30s);
    client.connection().write_progress(client.now + 7s);
    EXPECT_EQ(client.connection().deadline(), client.now + 37s);
}

TEST(Connection, ResetsAfterAReplyThatWasCut) {
    MemoryClient client;
    client.answering = false;
    client.send(get);
    BodyFraming framing{};
    ASSERT_EQ(client.connection().respond({200, {}, std::nullopt, false}, framing, client.now), HeadProblem::none);
    EXPECT_EQ(framing, BodyFraming::chunked);
    client.connection().finish_response(false, client.now);
    EXPECT_EQ(client.connection().next(client.now), Connection::Event::close);
    EXPECT_TRUE(client.connection().must_reset());
}

TEST(Connection, LetsABadReplyBeReplaced) {
    MemoryClient client;
    client.answering = false;
    client.send(get);
    BodyFraming framing{};
    const Field bad{"X", "a\r\nSet-Cookie: b"};
    EXPECT_EQ(client.connection().respond({200, {&bad, 1}, 5, false}, framing, client.now),
              HeadProblem::bad_field_value);
    EXPECT_EQ(client.connection().output(), "");
    client.connection().refuse({500, "bad field"}, client.now);
    client.send("");
    EXPECT_EQ(client.statuses(), (Statuses{500}));
}

TEST(Connection, EndsWhenDrainingButNotBeforeTheNextReply) {
    MemoryClient client;
    client.send(get);
    client.connection().drain();
    EXPECT_EQ(client.connection().deadline(), client.now + 15s);
    client.send(get);
    EXPECT_EQ(client.statuses(), (Statuses{200, 200}));
    EXPECT_TRUE(client.received.ends_with("\r\nConnection: close\r\n\r\n0"));
    EXPECT_TRUE(client.lingering) << "a request may be on its way";
}

TEST(Connection, AnswersAClientThatHasStoppedSending) {
    MemoryClient client;
    client.answering = true;
    client.send(std::string(get) + std::string(get).substr(0, 10)).hang_up();
    EXPECT_EQ(client.statuses(), (Statuses{200, 400}));
    EXPECT_TRUE(client.closed);
}

TEST(Connection, ForgivesALineTooMuchBehindABody) {
    MemoryClient client;
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\r\n").wait(60s);
    EXPECT_EQ(client.statuses(), (Statuses{200}));
    EXPECT_TRUE(client.closed);
}

TEST(Connection, RefusesBodiesOverTheLimitBeforeTheyCome) {
    Connection::Options options;
    options.limits.body = 10;
    MemoryClient client(options);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.statuses(), (Statuses{413}));
}

TEST(Connection, NamesTheRequestInHandForTheLog) {
    MemoryClient client;
    client.send(get);
    client.answering = false;
    client.send("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.connection().request_line(), "GET /second HTTP/1.1");
}

} // namespace
} // namespace mpsup::http
