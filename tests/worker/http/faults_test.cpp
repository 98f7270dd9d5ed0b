// What servers are attacked with, one test a fault, by the numbers of the list that is kept of them; over real connections.
#include "tests/worker/http/server.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

Task<> count_content(Exchange& exchange) {
    std::uint64_t sum = 0;
    for (;;) {
        const auto piece = co_await exchange.read_body();
        if (!piece) co_return;
        if (piece->empty()) break;
        sum += piece->size();
    }
    Reply reply;
    reply.text = std::to_string(sum) + " bytes\n";
    static_cast<void>(co_await exchange.send(reply));
}

Task<> send_a_lot(Exchange& exchange) {
    const std::string block(1'000'000, 'x');
    if (!exchange.begin({200, {}, 50'000'000, false})) co_return;
    for (int i = 0; i < 50; ++i)
        if (!co_await exchange.write(block)) co_return;
    static_cast<void>(co_await exchange.finish(true));
}

EventServer::Options hasty() {
    EventServer::Options options;
    options.tick = 20ms;
    options.connection.deadlines.head = 200ms;
    options.connection.deadlines.body_stall = 200ms;
    options.connection.deadlines.write_stall = 200ms;
    options.connection.deadlines.linger = 50ms;
    return options;
}

class Fault : public testing::Test {
protected:
    // Everything that comes back for these bytes when nothing follows them.
    [[nodiscard]] std::string reply_to(std::string_view bytes) const {
        TestClient client = server.connect();
        client.send(bytes);
        client.stop_sending();
        return client.read_all();
    }
    // The one status that comes back, or -1 for none or more than one.
    [[nodiscard]] int status_of(std::string_view bytes) const {
        const std::string reply = reply_to(bytes);
        if (!reply.starts_with("HTTP/1.1 ") || reply.find("HTTP/1.1 ", 1) != std::string::npos) return -1;
        return std::stoi(reply.substr(9, 3));
    }
    static std::string post(std::string_view fields, std::string_view rest) {
        return "POST /count HTTP/1.1\r\nHost: x\r\n" + std::string(fields) + "\r\n" + std::string(rest);
    }

    TestHandler handler{{{"/count", count_content}, {"/lot", send_a_lot}}};
    TestServer server{&handler, hasty()};
    const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
};

TEST_F(Fault, No49TwoWaysToEndAMessage) {
    for (const std::string_view fields :
         {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 5\r\n",
          "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n", "Content-Length: -5\r\n", "Content-Length: 0x5\r\n",
          "Content-Length: 5 5\r\n", "Content-Length: \r\n", "Content-Length: 99999999999999999999\r\n"})
        EXPECT_EQ(status_of(post(fields, "0\r\n\r\n" + smuggled)), 400) << fields;
    EXPECT_EQ(status_of(post("Content-Length: 0005\r\n", "hello")), 200) << "decimal, never octal";
    EXPECT_FALSE(server.log().contains("smuggled"));
}

TEST_F(Fault, No50CodingsThatOthersReadOtherwise) {
    for (const std::string_view coding :
         {"chunked, identity", "identity, chunked", ",chunked", "chunked;x=y", "xchunked",
          "\x0b"
          "chunked",
          "\"chunked\""}) {
        const int status =
            status_of(post("Transfer-Encoding: " + std::string(coding) + "\r\n", "0\r\n\r\n" + smuggled));
        EXPECT_TRUE(status == 400 || status == 501) << coding << status;
    }
    EXPECT_EQ(status_of("POST /count HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
}

TEST_F(Fault, No51ContentThatAnEarlyAnswerLeavesBehind) {
    const std::string reply = reply_to("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" + smuggled);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
    EXPECT_TRUE(reply.contains("\r\nConnection: close\r\n"));
    EXPECT_EQ(reply.find("HTTP/1.1 ", 1), std::string::npos);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n"), 200);
}

TEST_F(Fault, No52LinesThatEndOrBeginOddly) {
    for (const std::string_view bytes :
         {"GET / HTTP/1.1\nHost: x\n\n", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
          " GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\n Host: x\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n"})
        EXPECT_EQ(status_of(bytes), 400) << bytes;
}

TEST_F(Fault, No53ChunksThatOthersReadOtherwise) {
    for (const std::string_view body :
         {"5;a\nb\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX0\r\n\r\n", "0_5\r\nhello\r\n0\r\n\r\n",
          "+5\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
          "10000000000000005\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nA\r\n\r\n"})
        EXPECT_EQ(status_of(post("Transfer-Encoding: chunked\r\n", body)), 400) << body;
    EXPECT_EQ(
        status_of(post("Transfer-Encoding: chunked\r\n", "5;" + std::string(65536, 'e') + "\r\nhello\r\n0\r\n\r\n")),
        400);
    std::string small;
    for (int i = 0; i < 100'000; ++i) small += "1\r\nx\r\n";
    EXPECT_TRUE(reply_to(post("Transfer-Encoding: chunked\r\n", small + "0\r\n\r\n")).ends_with("100000 bytes\n"));
}

TEST_F(Fault, No54NamesThatAreNone) {
    using namespace std::string_literals;
    for (const std::string& line : {": x"s, "A\0B: x"s, "A: x\0y"s, "A\xe9: x"s, "A B: x"s, "A(: x"s})
        EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + line + "\r\n\r\n"), 400) << line;
}

TEST_F(Fault, No55HeadsThatAreTooLarge) {
    std::string many = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < 10'000; ++i) many += "A: b\r\n";
    EXPECT_EQ(status_of(many + "\r\n"), 431);
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(1'000'000, 'b') + "\r\n\r\n"), 431);
    EXPECT_EQ(status_of("GET /" + std::string(65'536, 'p') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
    EXPECT_EQ(status_of(std::string(8'192, 'M') + " / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
}

TEST_F(Fault, No57SlowClients) {
    TestClient head = server.connect();
    head.send("GET / HT");
    EXPECT_TRUE(head.read_all().starts_with("HTTP/1.1 408 "));
    TestClient body = server.connect();
    body.send(post("Content-Length: 100\r\n", "some"));
    EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 408 "));
    TestClient reader = server.connect();
    reader.send("GET /lot HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(server.logs("\"GET /lot HTTP/1.1\" 200 ")) << "cut when it takes nothing";
}

TEST_F(Fault, No59RequestsInARow) {
    std::string requests;
    for (int i = 0; i < 1'000; ++i) requests += "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    TestClient client = server.connect();
    client.send(requests);
    for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(client.read_until("at once\n").starts_with("HTTP/1.1 200 ")) << i;
    TestClient silent = server.connect();
    silent.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
    EXPECT_EQ(silent.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(silent.read_all().starts_with("HTTP/1.1 408 "));
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\nbad\r\n\r\n" + smuggled), 400);
    EXPECT_FALSE(server.log().contains("smuggled"));
}

TEST_F(Fault, No60MethodsThatAreNotServed) {
    EXPECT_TRUE(reply_to("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n").contains("\r\nAllow: "));
    EXPECT_EQ(status_of("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
    EXPECT_EQ(status_of("CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
    EXPECT_EQ(status_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
}

// Only HTTP/1.1 is spoken: its frames are never looked at, and nobody is led to send any (of TLS see tls_test).
TEST_F(Fault, No64Http2) {
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const std::string settings("\0\0\0\x04\0\0\0\0\0", 9);
    const int status = status_of(preface + settings);
    EXPECT_TRUE(status == 400 || status == 501 || status == 505) << status;
    for (const char* upgrade :
         {"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAA\r\n",
          "Upgrade: h2\r\nConnection: upgrade\r\n"}) {
        const std::string reply = reply_to("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(upgrade) + "\r\n" + preface);
        EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
        EXPECT_FALSE(reply.contains(" 101 ")) << reply;
    }
}

} // namespace
} // namespace mpsup::http
