// Handlers that answer later, over real connections.
#include "worker/http/event_server.h"

#include "tests/worker/http/server.h"

#include <atomic>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

std::atomic<std::uint64_t> written; // by the handler that runs
std::atomic<int> ended;             // handlers that returned
std::atomic<bool> told;             // that the client is gone
std::atomic<boost::asio::io_context*> context;

Field plain{"Content-Type", "text/plain"};

Task<> nap(Exchange& exchange, std::chrono::milliseconds time, boost::asio::steady_timer* timer = nullptr) {
    boost::asio::steady_timer own(exchange.context());
    if (!timer) timer = &own;
    timer->expires_after(time);
    boost::system::error_code ignored;
    co_await timer->async_wait(boost::asio::redirect_error(boost::asio::use_awaitable_t<Executor>(), ignored));
}

// How many bytes came, in how many pieces.
Task<> count_body(Exchange& exchange) {
    std::uint64_t sum = 0;
    for (;;) {
        const auto piece = co_await exchange.read_body();
        if (!piece) {
            ++ended;
            co_return;
        }
        if (piece->empty()) break;
        sum += piece->size();
    }
    Reply reply;
    reply.text = std::to_string(sum) + " bytes\n";
    static_cast<void>(co_await exchange.send(reply));
}

Task<> stream_pieces(Exchange& exchange) {
    if (!exchange.begin({200, {&plain, 1}, std::nullopt, false})) co_return;
    for (const std::string_view piece : {"one ", "two ", "three"}) {
        co_await nap(exchange, 1ms);
        if (!co_await exchange.write(piece)) co_return;
    }
    static_cast<void>(co_await exchange.finish(true));
}

Task<> stream_much(Exchange& exchange) {
    const std::string block(100'000, 'x');
    if (!exchange.begin({200, {&plain, 1}, 20'000'000, false})) co_return;
    for (int i = 0; i < 200; ++i) {
        if (!co_await exchange.write(block)) break;
        written += block.size();
    }
    static_cast<void>(co_await exchange.finish(true));
    ++ended;
}

Task<> try_and_wait(Exchange& exchange) {
    const std::string block(8'000'000, 'y');
    std::string_view left = block;
    if (!exchange.begin({200, {&plain, 1}, std::nullopt, false})) co_return;
    while (const std::size_t count = exchange.try_write(left)) left.remove_prefix(count);
    written = block.size() - left.size();
    if (!co_await exchange.write(left)) co_return;
    static_cast<void>(co_await exchange.finish(true));
}

Task<> cut_in_the_middle(Exchange& exchange) {
    if (!exchange.begin({200, {&plain, 1}, std::nullopt, false})) co_return;
    static_cast<void>(co_await exchange.write("half"));
    co_await nap(exchange, 20ms);
}

Task<> write_too_much(Exchange& exchange) {
    if (!exchange.begin({200, {&plain, 1}, 4, false})) co_return;
    EXPECT_FALSE(co_await exchange.write("12345"));
}

Task<> write_too_little(Exchange& exchange) {
    if (!exchange.begin({200, {&plain, 1}, 10, false})) co_return;
    EXPECT_TRUE(co_await exchange.write("12345"));
    EXPECT_FALSE(co_await exchange.finish(true));
}

Task<> send_a_file(Exchange& exchange) {
    std::string pattern = "/tmp/mpsup-file-XXXXXX";
    const Fd file(::mkostemp(pattern.data(), O_CLOEXEC));
    ::unlink(pattern.c_str());
    const std::string content(300'000, 'f');
    EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    const bool chunked = exchange.request().query == "chunked";
    if (!exchange.begin({200, {&plain, 1}, chunked ? std::nullopt : std::optional<std::uint64_t>(299'999), false}))
        co_return;
    if (!co_await exchange.write_file(file.get(), 1, 299'999)) co_return;
    static_cast<void>(co_await exchange.finish(true));
}

Task<> hint_and_answer(Exchange& exchange) {
    const Field link{"Link", "</style.css>; rel=preload"};
    EXPECT_TRUE(exchange.inform(103, {&link, 1}));
    const Field bad{"X", "a\r\nb"};
    EXPECT_EQ(exchange.inform(103, {&bad, 1}), exchange.request().minor_version == 0);
    EXPECT_FALSE(exchange.begin({200, {&bad, 1}, std::nullopt, false}));
    Reply reply;
    reply.text = "ok";
    static_cast<void>(co_await exchange.send(reply));
}

Task<> wait_for_others(Exchange& exchange) {
    boost::asio::steady_timer timer(exchange.context());
    exchange.on_gone([&timer] {
        told = true;
        timer.cancel();
    });
    co_await nap(exchange, 20s, &timer);
    ++ended;
}

Task<> echo_raw(Exchange& exchange) {
    const Field accept{"Sec-WebSocket-Accept", "x"};
    if (!co_await exchange.begin_upgrade("echo", {&accept, 1})) {
        Reply reply;
        reply.status = 400;
        static_cast<void>(co_await exchange.send(reply));
        co_return;
    }
    std::string space(1000, '\0');
    while (const std::size_t count = co_await exchange.read_raw(space)) {
        if (!co_await exchange.write_raw({space.data(), count})) break;
    }
    ++ended;
}

Task<> tell_context(Exchange& exchange) {
    context = &exchange.context();
    Reply reply;
    reply.text = "context\n";
    static_cast<void>(co_await exchange.send(reply));
}

Task<> say_nothing(Exchange&) { co_return; }

Task<> throw_up(Exchange&) {
    throw std::runtime_error("oh");
    co_return;
}

std::string get(std::string_view path, std::string_view fields = "") {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n";
}

class Later : public testing::Test {
protected:
    Later() {
        written = 0;
        ended = 0;
        told = false;
    }
    static EventServer::Options options() {
        EventServer::Options options;
        options.connection.limits.body = 2'000'000;
        options.tick = 20ms;
        return options;
    }
    template <class Condition> static bool comes_true(Condition condition) {
        const auto end = Clock::now() + 10s;
        while (!condition() && Clock::now() < end) std::this_thread::yield();
        return condition();
    }

    TestHandler handler{{{"/count", count_body},
                         {"/stream", stream_pieces},
                         {"/much", stream_much},
                         {"/try", try_and_wait},
                         {"/cut", cut_in_the_middle},
                         {"/more", write_too_much},
                         {"/less", write_too_little},
                         {"/file", send_a_file},
                         {"/hint", hint_and_answer},
                         {"/wait", wait_for_others},
                         {"/echo", echo_raw},
                         {"/context", tell_context},
                         {"/nothing", say_nothing},
                         {"/throw", throw_up}}};
    TestServer server{&handler, options()};
};

TEST_F(Later, MixesWithAnswersAtOnceOnOneConnection) {
    TestClient client = server.connect();
    client.send(get("/") + get("/stream") + get("/") + get("/count"));
    EXPECT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(client.read_until("0\r\n\r\n").ends_with("4\r\none \r\n4\r\ntwo \r\n5\r\nthree\r\n0\r\n\r\n"));
    EXPECT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(client.read_until("bytes\n").ends_with("\r\n\r\n0 bytes\n"));
}

TEST_F(Later, ReadsContentPieceByPiece) {
    const std::string body(1'000'000, 'b');
    TestClient client = server.connect();
    client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + body + get("/"));
    EXPECT_TRUE(client.read_until("bytes\n").ends_with("\r\n\r\n1000000 bytes\n"));
    EXPECT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n"));
    client.send(
        "POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
    EXPECT_TRUE(client.read_until("bytes\n").ends_with("\r\n\r\n7 bytes\n"));
}

TEST_F(Later, SaysContinueWhenTheHandlerReads) {
    TestClient client = server.connect();
    client.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    EXPECT_TRUE(client.read_until("bytes\n").ends_with("3 bytes\n"));
}

TEST_F(Later, RefusesContentThatIsTooLargeOrBadlyFramed) {
    TestClient large = server.connect();
    large.send("POST /count HTTP/1.1\r\nHost: x\r\nContent-Length: 2000001\r\n\r\nabc");
    large.stop_sending();
    EXPECT_TRUE(large.read_all().starts_with("HTTP/1.1 413 "));
    TestClient bad = server.connect();
    bad.send("POST /count HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX");
    bad.stop_sending();
    EXPECT_TRUE(bad.read_all().starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(comes_true([] { return ended == 1; })) << "its handler was told; the other was never asked";
    EXPECT_TRUE(server.logs("\"POST /count HTTP/1.1\" 413 "));
    EXPECT_TRUE(server.logs("\"POST /count HTTP/1.1\" 400 "));
}

TEST_F(Later, FramesAsTheClientUnderstands) {
    TestClient old = server.connect();
    old.send("GET /stream HTTP/1.0\r\n\r\n");
    const std::string reply = old.read_all();
    EXPECT_FALSE(reply.contains("chunked"));
    EXPECT_TRUE(reply.ends_with("\r\n\r\none two three"));
    TestClient head = server.connect();
    head.send("HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" + get("/"));
    EXPECT_TRUE(head.read_until("\r\n\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(head.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n")) << "no content between the two";
}

TEST_F(Later, WaitsForAClientThatReadsSlowly) {
    TestClient client = server.connect();
    client.send(get("/much"));
    EXPECT_TRUE(client.read_some(10).starts_with("HTTP/1.1"));
    std::uint64_t before = 0;
    EXPECT_TRUE(comes_true([&] { return std::exchange(before, written.load()) == written && written > 0; }));
    EXPECT_LT(written, 15'000'000U) << "what the kernel buffers";
    EXPECT_EQ(ended, 0);
    const std::string rest = client.read_until(std::string(20'000'000, 'x'));
    EXPECT_TRUE(rest.contains("Content-Length: 20000000\r\n"));
    EXPECT_TRUE(comes_true([] { return ended == 1; }));
}

TEST_F(Later, TriesWithoutWaiting) {
    TestClient client = server.connect();
    client.send(get("/try"));
    EXPECT_TRUE(comes_true([] { return written > 0; }));
    EXPECT_LT(written, 8'000'000U);
    const std::string reply = client.read_until("\r\n0\r\n\r\n");
    EXPECT_EQ(std::ranges::count(reply.substr(reply.find("\r\n\r\n")), 'y'), 8'000'000);
    EXPECT_TRUE(reply.contains("\r\n\r\n7a1200\r\nyy")) << "one chunk, however it was cut on its way";
}

TEST_F(Later, CutsWhatIsNotWhole) {
    for (const std::string_view path : {"/cut", "/less"}) {
        TestClient client = server.connect();
        client.send(get(path));
        const std::string reply = client.read_all();
        EXPECT_TRUE(reply.ends_with("[reset]")) << reply;
    }
    TestClient client = server.connect();
    client.send(get("/more"));
    EXPECT_FALSE(client.read_all().contains("12345"));
}

TEST_F(Later, SendsFiles) {
    TestClient client = server.connect();
    client.send(get("/file"));
    EXPECT_TRUE(client.read_until(std::string(299'999, 'f')).contains("Content-Length: 299999\r\n"));
    client.send(get("/file?chunked"));
    EXPECT_TRUE(client.read_until("\r\n0\r\n\r\n").contains("\r\n\r\n493df\r\nff"));
}

TEST_F(Later, InformsBeforeItAnswers) {
    TestClient client = server.connect();
    client.send(get("/hint"));
    EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n");
    EXPECT_TRUE(client.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200 OK\r\n"));
    TestClient old = server.connect();
    old.send("GET /hint HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(old.read_all().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Later, TellsAHandlerThatItsClientHungUp) {
    TestClient client = server.connect();
    client.send(get("/wait"));
    EXPECT_TRUE(comes_true([this] { return server.log().empty(); }));
    client.hang_up();
    EXPECT_TRUE(comes_true([] { return told && ended == 1; }));
    EXPECT_TRUE(server.logs("\"GET /wait HTTP/1.1\" 499 0 "));
}

TEST_F(Later, MovesRawBytesAfterAnUpgrade) {
    TestClient client = server.connect();
    client.send(get("/echo", "Connection: upgrade\r\nUpgrade: echo\r\n") + "hello");
    EXPECT_EQ(client.read_until("hello"), "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n"
                                          "Sec-WebSocket-Accept: x\r\n\r\nhello");
    client.send("again");
    EXPECT_EQ(client.read_until("again"), "again");
    client.stop_sending();
    EXPECT_EQ(client.read_all(), "");
    EXPECT_TRUE(comes_true([] { return ended == 1; }));
    EXPECT_TRUE(server.logs("\"GET /echo HTTP/1.1\" 101 "));
    TestClient old = server.connect();
    old.send("GET /echo HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(old.read_all().starts_with("HTTP/1.1 400 "));
}

TEST_F(Later, AnswersForAHandlerThatDidNot) {
    for (const std::string_view path : {"/nothing", "/throw"}) {
        TestClient client = server.connect();
        client.send(get(path));
        client.stop_sending();
        EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 502 ")) << path;
    }
    EXPECT_TRUE(server.logs("\"GET /throw HTTP/1.1\" 502 "));
}

TEST_F(Later, FinishesWhatRunsWhenItDrains) {
    TestClient client = server.connect();
    client.send(get("/much"));
    EXPECT_TRUE(client.read_some(10).starts_with("HTTP/1.1"));
    server.drain(20s);
    EXPECT_TRUE(client.read_until(std::string(20'000'000, 'x')).ends_with("x"));
    client.hang_up();
    server.stop();
    EXPECT_TRUE(server.log().contains("\"GET /much HTTP/1.1\" 200 20000000 "));
}

TEST_F(Later, EndsWithTheGraceAndWritesItDown) {
    TestClient waiting = server.connect();
    waiting.send(get("/wait"));
    TestClient upgraded = server.connect();
    upgraded.send(get("/echo") + "hello");
    EXPECT_TRUE(upgraded.read_until("hello").starts_with("HTTP/1.1 101 "));
    server.drain(100ms);
    server.wait();
    EXPECT_EQ(upgraded.read_all(), "");
    EXPECT_EQ(waiting.read_all(), "");
    EXPECT_TRUE(server.log().contains("\"GET /wait HTTP/1.1\" 503 0 "));
    EXPECT_TRUE(server.log().contains("\"GET /echo HTTP/1.1\" 101 5 "));
}

TEST_F(Later, WakesUpAgainAfterItsBuffersWereTaken) {
    TestClient client = server.connect();
    client.send(get("/")).read_until("at once\n");
    std::this_thread::sleep_for(1'200ms); // longer than what a connection may be idle for with its buffers
    client.send(get("/count")).read_until("0 bytes\n");
    client.send(get("/"));
    EXPECT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(Later, Fault57GivesUpAClientThatReadsTooSlowly) {
    EventServer::Options strict = options();
    strict.connection.deadlines.write_stall = 200ms;
    strict.connection.deadlines.write_rate = 1'000'000'000;
    TestServer impatient(&handler, strict);
    TestClient client = impatient.connect();
    client.send(get("/much"));
    std::size_t read = 0;
    for (std::string piece; !(piece = client.read_some(4096)).empty(); read += piece.size())
        std::this_thread::sleep_for(1ms); // it takes bytes all the time
    EXPECT_LT(read, 20'000'000U);
    EXPECT_TRUE(comes_true([] { return ended == 1; }));
}

// The loop has seen that the time of an idle connection is over when its next request arrives.
TEST_F(Later, Fault28AnswersARequestThatComesWhenAnIdleConnectionIsClosed) {
    EventServer::Options soon = options();
    soon.connection.deadlines.idle = 100ms;
    TestServer hasty(&handler, soon);
    TestClient client = hasty.connect();
    client.send(get("/") + get("/context")).read_until("context\n");
    std::optional<boost::asio::steady_timer> arrival;
    hasty.post([&] {
        // Timers that are due are called in the order of their times: this one before the loop's own.
        arrival.emplace(*context);
        arrival->expires_at(Clock::now());
        arrival->async_wait([&](const boost::system::error_code&) { client.send(get("/")); });
        for (const TimePoint end = Clock::now() + 200ms; Clock::now() < end;) std::this_thread::yield();
    });
    EXPECT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_EQ(client.read_all(), "") << "and later it is closed all the same";
}

} // namespace
} // namespace mpsup::http
