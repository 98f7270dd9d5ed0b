#include "worker/accelerator/forward_head.h"

#include "worker/http/request_parser.h"

#include <gtest/gtest.h>

namespace mpsup::accelerator {
namespace {

// A request as the gate lets it through, and the head that is made of it.
class Forwarded {
public:
    explicit Forwarded(std::string_view fields, std::string_view line = "GET /a?b=c HTTP/1.1") {
        bytes_ = std::string(line) + "\r\nHost: example.org\r\n" + std::string(fields) + "\r\n";
        http::RequestParser parser(limits_);
        parser.reset();
        EXPECT_EQ(parser.parse(bytes_), http::RequestParser::Status::complete) << bytes_;
        parser.build(bytes_, request_);
        plan.peer = "192.0.2.66";
        plan.request_id = "id-1";
        plan.start_us = 17;
        plan.keep_alive = true;
    }

    std::string head() {
        const Peer peer{plan.peer, "192.0.2.1", 80, false, trusted};
        ClientIdentity identity;
        identify(request_, peer, [](std::string_view) { return false; }, identity);
        std::string out;
        write_forward_head(out, request_, identity, plan);
        return out;
    }
    bool has(std::string_view line) { return head().contains("\r\n" + std::string(line) + "\r\n"); }
    bool names(std::string_view name) { return head().contains("\r\n" + std::string(name) + ": "); }

    ForwardPlan plan;
    bool trusted = false;

private:
    http::Limits limits_;
    std::string bytes_;
    http::Request request_;
};

TEST(ForwardHead, SaysWhoAsksAndFor) {
    EXPECT_EQ(Forwarded("User-Agent: test\r\n").head(), "GET /a?b=c HTTP/1.1\r\n"
                                                        "Host: example.org\r\n"
                                                        "User-Agent: test\r\n"
                                                        "X-Forwarded-For: 192.0.2.66\r\n"
                                                        "X-Real-IP: 192.0.2.66\r\n"
                                                        "X-Forwarded-Proto: http\r\n"
                                                        "X-Forwarded-Host: example.org\r\n"
                                                        "X-Forwarded-Port: 80\r\n"
                                                        "Forwarded: for=192.0.2.66;host=example.org;proto=http\r\n"
                                                        "X-Request-Id: id-1\r\n"
                                                        "X-Request-Start: t=17\r\n"
                                                        "Via: 1.1 mpsup\r\n"
                                                        "\r\n");
}

TEST(ForwardHead, Fault56OverwritesWhatAStrangerForged) {
    Forwarded request("X-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nForwarded: for=127.0.0.1\r\n"
                      "X-Forwarded-Proto: https\r\nX-Forwarded-User: root\r\nX-Request-Id: theirs\r\n"
                      "Connection: X-Forwarded-For, X-Real-IP, Host\r\nX_Forwarded_For: 127.0.0.1\r\nProxy: evil\r\n");
    EXPECT_FALSE(request.head().contains("127.0.0.1"));
    EXPECT_TRUE(request.has("X-Forwarded-For: 192.0.2.66"));
    EXPECT_TRUE(request.has("Host: example.org"));
    EXPECT_TRUE(request.has("X-Forwarded-Proto: http"));
    EXPECT_FALSE(request.head().contains("theirs"));
    EXPECT_FALSE(request.names("X-Forwarded-User"));
    EXPECT_FALSE(request.names("Proxy"));
}

TEST(ForwardHead, AppendsToWhatAProxyOfOursSaid) {
    Forwarded request("X-Forwarded-For: 10.1.1.1, 198.51.100.7\r\nForwarded: for=198.51.100.7\r\n"
                      "X-Request-Id: theirs\r\n");
    request.trusted = true;
    request.plan.request_id = "theirs";
    EXPECT_TRUE(request.has("X-Forwarded-For: 10.1.1.1, 198.51.100.7"));
    EXPECT_TRUE(request.has("X-Real-IP: 198.51.100.7"));
    EXPECT_TRUE(request.has("Forwarded: for=198.51.100.7, for=192.0.2.66;host=example.org;proto=http"));
    EXPECT_TRUE(request.has("X-Request-Id: theirs"));
}

TEST(ForwardHead, NamesThePortOfAClientToAPool) {
    Forwarded request("Mpsup-Client-Port: 1\r\n");
    EXPECT_FALSE(request.names("Mpsup-Client-Port")) << "nobody else may say it";
    request.plan.client_port = 40'000;
    EXPECT_TRUE(request.has("Mpsup-Client-Port: 40000"));
}

TEST(ForwardHead, QuotesWhatForwardedCannotSayPlainly) {
    Forwarded request("");
    request.plan.peer = "2001:db8::1";
    EXPECT_TRUE(request.has("Forwarded: for=\"[2001:db8::1]\";host=example.org;proto=http"));
    request.plan.peer = "";
    EXPECT_TRUE(request.has("Forwarded: for=unknown;host=example.org;proto=http"));
}

TEST(ForwardHead, TakesOutFieldsOfTheConnection) {
    Forwarded request(
        "Connection: keep-alive, X-Mine\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\nTE: trailers\r\n"
        "Upgrade: h2c\r\nProxy-Authorization: x\r\nTrailer: X\r\nExpect: 100-continue\r\n"
        "X-Accel-Mapping: /=/\r\nX-Sendfile-Type: X-Accel-Redirect\r\nMpsup-Child: 1 2 3\r\nX-Kept: 1\r\n");
    for (const char* name : {"Connection", "Keep-Alive", "X-Mine", "TE", "Upgrade", "Proxy-Authorization", "Trailer",
                             "Expect", "X-Accel-Mapping", "X-Sendfile-Type", "Mpsup-Child"})
        EXPECT_FALSE(request.names(name)) << name;
    EXPECT_TRUE(request.has("X-Kept: 1"));
}

TEST(ForwardHead, Fault49MakesFramingAfresh) {
    Forwarded request("Transfer-Encoding: chunked\r\n", "POST / HTTP/1.1");
    request.plan.has_content = true;
    request.plan.length = 12;
    EXPECT_TRUE(request.has("Content-Length: 12"));
    EXPECT_FALSE(request.names("Transfer-Encoding"));
    Forwarded streamed("Content-Length: 12\r\n", "POST / HTTP/1.1");
    streamed.plan.has_content = true;
    EXPECT_TRUE(streamed.has("Transfer-Encoding: chunked"));
    EXPECT_FALSE(streamed.names("Content-Length"));
    Forwarded empty("Content-Length: 0\r\n", "POST / HTTP/1.1");
    empty.plan.has_content = true;
    empty.plan.length = 0;
    EXPECT_TRUE(empty.has("Content-Length: 0"));
}

TEST(ForwardHead, AsksForTheWholeWhenACopyIsToBeKept) {
    Forwarded request("If-None-Match: \"a\"\r\nIf-Modified-Since: x\r\nRange: bytes=0-1\r\nIf-Range: x\r\n");
    EXPECT_TRUE(request.names("Range"));
    request.plan.refetch = true;
    const std::vector<http::Field> own{{"If-None-Match", "\"b\""}};
    request.plan.additions = own;
    EXPECT_FALSE(request.names("Range"));
    EXPECT_FALSE(request.names("If-Modified-Since"));
    EXPECT_FALSE(request.names("If-Range"));
    EXPECT_FALSE(request.has("If-None-Match: \"a\""));
    EXPECT_TRUE(request.has("If-None-Match: \"b\""));
}

TEST(ForwardHead, LetsAWebSocketThrough) {
    Forwarded request("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n");
    request.plan.upgrade = true;
    EXPECT_TRUE(request.has("Connection: upgrade"));
    EXPECT_TRUE(request.has("Upgrade: websocket"));
    EXPECT_TRUE(request.has("Sec-WebSocket-Key: k"));
}

TEST(ForwardHead, ContinuesVia) {
    EXPECT_TRUE(Forwarded("Via: 1.1 one\r\nVia: 1.0 two\r\n").has("Via: 1.0 two, 1.1 mpsup"));
    EXPECT_TRUE(Forwarded("Via: 1.1 one\r\nVia: 1.0 two\r\n").has("Via: 1.1 one"));
    EXPECT_TRUE(Forwarded("", "GET / HTTP/1.0").has("Via: 1.0 mpsup"));
}

TEST(ForwardHead, EndsConnectionsThatAreNotKept) {
    Forwarded request("");
    request.plan.keep_alive = false;
    EXPECT_TRUE(request.has("Connection: close"));
}

TEST(ForwardHead, KnowsARequestForAWebSocket) {
    http::Request request;
    request.method = "GET";
    request.fields = {{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "WebSocket"}};
    EXPECT_TRUE(wants_websocket(request));
    request.method = "POST";
    EXPECT_FALSE(wants_websocket(request));
    request.method = "GET";
    request.fields[1].value = "h2c";
    EXPECT_FALSE(wants_websocket(request));
}

} // namespace
} // namespace mpsup::accelerator
