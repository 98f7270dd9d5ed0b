#include "worker/http/request_parser.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::http {
namespace {

constexpr std::string_view host = "Host: a.example\r\n";

class Gate : public testing::Test {
protected:
    RequestParser::Status parse(std::string_view bytes) {
        parser.reset();
        text = bytes;
        const auto status = parser.parse(text);
        if (status == RequestParser::Status::complete) parser.build(text, request);
        return status;
    }
    // The status of the refusal, 0 when there is none.
    int refusal(std::string_view bytes) { return static_cast<void>(parse(bytes)), parser.refusal().status; }
    int refusal_of_line(std::string_view line) {
        return refusal(std::string(line) + "\r\n" + std::string(host) + "\r\n");
    }
    int refusal_of_field(std::string_view field) {
        return refusal("POST / HTTP/1.1\r\n" + std::string(host) + std::string(field) + "\r\n\r\n");
    }

    Limits limits;
    RequestParser parser{limits};
    Request request;
    std::string text;
};

TEST_F(Gate, SplitsARequest) {
    ASSERT_EQ(parse("GET /a/b?c=d&e HTTP/1.1\r\nHost: a.example:80\r\nAccept:\t x \r\nX-Empty:\r\n\r\nrest"),
              RequestParser::Status::complete);
    EXPECT_EQ(request.line, "GET /a/b?c=d&e HTTP/1.1");
    EXPECT_EQ(request.method, "GET");
    EXPECT_EQ(request.target, "/a/b?c=d&e");
    EXPECT_EQ(request.path, "/a/b");
    EXPECT_EQ(request.query, "c=d&e");
    EXPECT_EQ(request.authority, "a.example:80");
    EXPECT_EQ(request.fields.size(), 3U);
    EXPECT_EQ(request.find("ACCEPT"), "x");
    EXPECT_EQ(request.find("x-empty"), "");
    EXPECT_EQ(request.find("nothing"), std::nullopt);
    EXPECT_EQ(request.framing, Framing::none);
    EXPECT_TRUE(request.keep_alive);
    EXPECT_EQ(text.substr(parser.head_size()), "rest");
}

TEST_F(Gate, TellsAnEmptyQueryFromNone) {
    static_cast<void>(parse("GET /a? HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_TRUE(request.has_query);
    EXPECT_EQ(request.query, "");
    static_cast<void>(parse("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_FALSE(request.has_query);
}

TEST_F(Gate, TakesTheAuthorityOfTheAbsoluteForm) {
    ASSERT_EQ(parse("GET http://b.example:81/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n"),
              RequestParser::Status::complete);
    EXPECT_EQ(request.authority, "b.example:81");
    EXPECT_EQ(request.path, "/p");
    EXPECT_EQ(request.query, "q");
    ASSERT_EQ(parse("GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n"), RequestParser::Status::complete);
    EXPECT_EQ(request.path, "/");
    ASSERT_EQ(parse("GET http://b?q HTTP/1.1\r\nHost: a\r\n\r\n"), RequestParser::Status::complete);
    EXPECT_EQ(request.path, "/");
    EXPECT_EQ(request.query, "q");
    ASSERT_EQ(parse("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"), RequestParser::Status::complete);
    EXPECT_EQ(request.path, "*");
}

TEST_F(Gate, RefusesTargetsThatAreNone) {
    for (const char* target : {"", "path", "*", "a.example:80", "ftp://a/", "http:///p", "http://u@a/", "http://a:0/",
                               "http://a:x/", "/a#b", "/a\\b", "/a\x7f", "/caf\xc3\xa9", "/a\tb", "http://[::1/"})
        EXPECT_EQ(refusal_of_line("GET " + std::string(target) + " HTTP/1.1"), 400) << target;
}

TEST_F(Gate, TakesWhatBrowsersSendInQueries) { EXPECT_EQ(refusal_of_line("GET /?a=\"{x}|\\^`<>%zz HTTP/1.1"), 0); }

TEST_F(Gate, RefusesOtherVersions) {
    EXPECT_EQ(refusal_of_line("GET / HTTP/2.0"), 505);
    EXPECT_EQ(refusal_of_line("GET / HTTP/1.2"), 505);
    EXPECT_EQ(refusal_of_line("GET / HTTP/0.9"), 505);
    for (const char* version :
         {"HTTP/1", "HTTP/1.", "HTTP/11", "HTTP/1.11", "http/1.1", "HTTP/1.1 ", "HTTP/+.1", "XTTP/1.1"})
        EXPECT_EQ(refusal_of_line("GET / " + std::string(version)), 400) << version;
}

TEST_F(Gate, RefusesRequestLinesWithoutThreeParts) {
    for (const char* line : {"GET", "GET /", "GET / ", " GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1",
                             "GET\t/ HTTP/1.1", "G(T / HTTP/1.1", "\rGET / HTTP/1.1", "GET /\r HTTP/1.1"})
        EXPECT_EQ(refusal_of_line(line), 400) << line;
}

TEST_F(Gate, KnowsTheMethodsThatItDoesNotServe) {
    EXPECT_EQ(refusal_of_line("CONNECT a:443 HTTP/1.1"), 405);
    EXPECT_EQ(refusal_of_line("TRACE / HTTP/1.1"), 405);
    EXPECT_EQ(refusal_of_line("BREW / HTTP/1.1"), 501);
    EXPECT_EQ(refusal_of_line("get / HTTP/1.1"), 501);
    EXPECT_EQ(refusal_of_line("PROPFIND / HTTP/1.1"), 0);
}

TEST_F(Gate, RefusesABareLineFeedAsSoonAsItIsThere) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\n"), 400);
    EXPECT_EQ(refusal("\n"), 400);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\n"), 400);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\n\n"), 400);
}

TEST_F(Gate, SkipsOneEmptyLineBeforeTheRequest) {
    EXPECT_EQ(parse("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"), RequestParser::Status::complete);
    EXPECT_EQ(request.line, "GET / HTTP/1.1");
    EXPECT_EQ(refusal("\r\n\r\n"), 400);
}

TEST_F(Gate, RefusesBadFields) {
    for (const char* field : {": x", "a : x", " a: x", "\ta: x", "a", "a b: x", "a\x80: x", "a[: x", "a: x\ry",
                              "a: \x01", "a: \x7f", "a: x\r\n folded"})
        EXPECT_EQ(refusal_of_field(field), 400) << field;
    EXPECT_EQ(refusal_of_field(std::string_view("a: \0b", 5)), 400);
    EXPECT_EQ(refusal_of_field("a: caf\xe9 \t\"x\""), 0) << "obs-text is allowed in values";
}

TEST_F(Gate, WantsExactlyOneGoodHost) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400);
    EXPECT_EQ(refusal("GET / HTTP/1.0\r\n\r\n"), 0);
    EXPECT_EQ(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    EXPECT_EQ(refusal("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
    for (const char* good : {"a", "a.b-c_d~e:8080", "127.0.0.1:1", "[::1]", "[fe80::1]:65535"})
        EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(good) + "\r\n\r\n"), 0) << good;
    for (const char* bad : {"", "a b", "a/b", "u@a", "a,b", "a:", "a:0", "a:65536", "a:1x", ":80", "[::1", "[1.2.3.4]",
                            "[]", "[::1]x", "a:1:2", "a%41",
                            "b\xfc"
                            "cher"})
        EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(bad) + "\r\n\r\n"), 400) << bad;
}

TEST_F(Gate, FramesByLength) {
    ASSERT_EQ(refusal_of_field("Content-Length: 0042"), 0);
    EXPECT_EQ(request.framing, Framing::length);
    EXPECT_EQ(request.content_length, 42U);
    EXPECT_EQ(refusal_of_field("Content-Length: 0"), 0);
    EXPECT_EQ(request.framing, Framing::none);
    for (const char* bad : {"", "-1", "+1", "1 0", "0x5", "1_0", "5, 5", "1234567890123456789", "5;"})
        EXPECT_EQ(refusal_of_field("Content-Length: " + std::string(bad)), 400) << bad;
    EXPECT_EQ(refusal_of_field("Content-Length: 5\r\nContent-Length: 5"), 400);
    EXPECT_EQ(refusal_of_field("Content-Length: 123456789012345678"), 413);
}

TEST_F(Gate, FramesByChunksOnlyWhenThatIsAllThatIsSaid) {
    ASSERT_EQ(refusal_of_field("Transfer-Encoding: ChunkeD"), 0);
    EXPECT_EQ(request.framing, Framing::chunked);
    EXPECT_EQ(refusal_of_field("Transfer-Encoding: gzip"), 501);
    EXPECT_EQ(refusal_of_field("Transfer-Encoding: identity"), 501);
    for (const char* bad : {"", "chunked, chunked", "gzip, chunked", "chunked;q=1", "\"chunked\"", ",chunked",
                            "chunked,", "chunked x", "chunked\xa0"})
        EXPECT_EQ(refusal_of_field("Transfer-Encoding: " + std::string(bad)), 400) << bad;
    EXPECT_EQ(refusal_of_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400);
    EXPECT_EQ(refusal_of_field("Transfer-Encoding: chunked\r\nContent-Length: 5"), 400);
    EXPECT_EQ(refusal_of_field("Content-Length: 5\r\nTransfer-Encoding: gzip"), 400);
    EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST_F(Gate, KnowsOneExpectation) {
    EXPECT_EQ(refusal_of_field("Expect: 100-Continue\r\nContent-Length: 1"), 0);
    EXPECT_TRUE(request.expect_continue);
    EXPECT_EQ(refusal_of_field("Expect: 100-continue"), 0);
    EXPECT_FALSE(request.expect_continue) << "there is no body to continue with";
    EXPECT_EQ(refusal_of_field("Expect: 200-ok"), 417);
    EXPECT_EQ(refusal("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"), 0);
    EXPECT_FALSE(request.expect_continue);
}

TEST_F(Gate, KeepsAliveAsAsked) {
    const auto keeps = [&](std::string_view version, std::string_view fields) {
        EXPECT_EQ(parse("GET / " + std::string(version) + "\r\nHost: x\r\n" + std::string(fields) + "\r\n"),
                  RequestParser::Status::complete);
        return request.keep_alive;
    };
    EXPECT_TRUE(keeps("HTTP/1.1", ""));
    EXPECT_FALSE(keeps("HTTP/1.1", "Connection: x, CLOSE\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    EXPECT_FALSE(keeps("HTTP/1.0", ""));
    EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
    EXPECT_TRUE(keeps("HTTP/1.1", "Connection: closed\r\n"));
}

TEST_F(Gate, LeavesOutFieldsThatCollideInTheEnvironment) {
    ASSERT_EQ(parse("GET / HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 1\r\nproxy: y\r\nTransfer_Encoding: chunked\r\nA: "
                    "b\r\n\r\n"),
              RequestParser::Status::complete);
    ASSERT_EQ(request.fields.size(), 2U);
    EXPECT_EQ(request.fields[1].name, "A");
    EXPECT_EQ(request.framing, Framing::none);
    EXPECT_EQ(parser.field_count(), 5U);
}

TEST_F(Gate, LimitsEverything) {
    const std::string long_text(9000, 'a');
    EXPECT_EQ(refusal_of_line("GET /" + long_text + " HTTP/1.1"), 414);
    EXPECT_EQ(refusal("GET /" + long_text), 414) << "before the line ends";
    EXPECT_EQ(refusal_of_line(std::string(33, 'A') + " / HTTP/1.1"), 400);
    EXPECT_EQ(refusal(std::string(33, 'A')), 400);
    EXPECT_EQ(refusal_of_field("X: " + long_text), 431);
    EXPECT_EQ(refusal_of_field("X: " + std::string(8192 - 3, 'a')), 0) << "8 KiB are allowed";
    std::string many;
    for (int i = 0; i < 99; ++i) many += "X: y\r\n";
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\n" + many + "\r\n"), 0);
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\n" + many + "X: y\r\n\r\n"), 431);
    std::string large;
    for (int i = 0; i < 5; ++i) large += "X: " + std::string(8000, 'a') + "\r\n";
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: x\r\n" + large), 431);
}

TEST_F(Gate, LimitsTheWholeHeadHoweverItDribbles) {
    const std::string head = "GET / HTTP/1.1\r\nHost: x\r\n";
    std::string bytes = head;
    std::size_t fed = 0;
    auto status = RequestParser::Status::incomplete;
    while (status == RequestParser::Status::incomplete && fed < 100'000) {
        bytes += "X: " + std::string(1000, 'a') + "\r\nX";
        bytes.resize(bytes.size() - 1);
        fed = bytes.size();
        status = parser.parse(bytes);
    }
    EXPECT_EQ(parser.refusal().status, 431);
    EXPECT_LE(fed, limits.head + 1100);
}

TEST_F(Gate, RefusesGarbageBeforeItsLineEnds) { EXPECT_EQ(refusal("\x16\x03\x01\x02"), 400); }

TEST_F(Gate, NamesTheRequestLineForLogs) {
    EXPECT_EQ(refusal("GET / HTTP/9.9\r\nHost: x\r\n\r\n"), 505);
    EXPECT_EQ(parser.request_line(text), "GET / HTTP/9.9");
    EXPECT_EQ(refusal("junk\r\n\r\n"), 400);
    EXPECT_EQ(parser.request_line(text), "junk");
}

TEST_F(Gate, FindsItsViewsWhereTheBytesLieInTheEnd) {
    const std::string bytes = "GET /p HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n";
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        const std::string part = bytes.substr(0, size); // each time elsewhere in memory
        ASSERT_EQ(parser.parse(part), RequestParser::Status::incomplete);
    }
    ASSERT_EQ(parser.parse(bytes), RequestParser::Status::complete);
    parser.build(bytes, request);
    EXPECT_EQ(request.path.data(), bytes.data() + 4);
    EXPECT_EQ(request.find("b"), "c");
}

} // namespace
} // namespace mpsup::http
