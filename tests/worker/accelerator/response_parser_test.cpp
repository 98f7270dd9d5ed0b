#include "worker/accelerator/response_parser.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::accelerator {
namespace {

using Status = ResponseParser::Status;

struct Parsed {
    Status status = Status::incomplete;
    UpstreamHead head;
    std::string problem;
    std::size_t size = 0;
};

Parsed parse_in_steps(const std::string& bytes, Expectation expectation, std::size_t step) {
    ResponseParser parser({});
    parser.reset(expectation);
    Parsed parsed;
    for (std::size_t given = step; parsed.status == Status::incomplete; given += step) {
        parsed.status = parser.parse(std::string_view(bytes).substr(0, given));
        if (given >= bytes.size()) break;
    }
    if (parsed.status == Status::refused) parsed.problem = parser.problem();
    if (parsed.status == Status::complete) {
        parser.build(bytes, parsed.head);
        parsed.size = parser.head_size();
    }
    return parsed;
}

// However it is cut, the outcome is the same.
Parsed parse(const std::string& bytes, Expectation expectation = {}) {
    const Parsed whole = parse_in_steps(bytes, expectation, bytes.size() + 1);
    const Parsed cut = parse_in_steps(bytes, expectation, 1);
    EXPECT_EQ(whole.status, cut.status);
    EXPECT_EQ(whole.problem, cut.problem);
    EXPECT_EQ(whole.size, cut.size);
    EXPECT_EQ(whole.head.fields.size(), cut.head.fields.size());
    return whole;
}

void refused(const std::string& bytes, std::string_view problem) {
    const Parsed parsed = parse(bytes);
    EXPECT_EQ(parsed.status, Status::refused) << bytes;
    EXPECT_EQ(parsed.problem, problem) << bytes;
}

std::string with(std::string_view fields, std::string_view line = "HTTP/1.1 200 OK") {
    return std::string(line) + "\r\n" + std::string(fields) + "\r\n";
}

TEST(ResponseParser, ReadsAnOrdinaryHead) {
    const std::string bytes = with("Content-Type: text/plain\r\nContent-Length: 5\r\n") + "hello";
    const Parsed parsed = parse(bytes);
    ASSERT_EQ(parsed.status, Status::complete);
    EXPECT_EQ(parsed.size, bytes.size() - 5);
    EXPECT_EQ(parsed.head.status, 200);
    EXPECT_EQ(parsed.head.end, ContentEnd::length);
    EXPECT_EQ(parsed.head.content_length, 5U);
    EXPECT_TRUE(parsed.head.keep_alive);
    ASSERT_EQ(parsed.head.fields.size(), 2U);
    EXPECT_EQ(parsed.head.find("content-type"), "text/plain");
    EXPECT_FALSE(parsed.head.find("Server"));
}

TEST(ResponseParser, TakesAStatusLineWithoutAReason) {
    EXPECT_EQ(parse(with("", "HTTP/1.1 200")).head.status, 200);
    EXPECT_EQ(parse(with("", "HTTP/1.1 404 ")).head.status, 404);
    EXPECT_EQ(parse(with("", "HTTP/1.1 200 Sch\xc3\xb6n")).head.status, 200);
}

TEST(ResponseParser, RefusesAnythingElseInTheStatusLine) {
    refused(with("", "HTTP/2 200 OK"), "bad status line");
    refused(with("", "HTTP/1.2 200 OK"), "bad status line");
    refused(with("", "http/1.1 200 OK"), "bad status line");
    refused(with("", "HTTP/1.1  200 OK"), "bad status code");
    refused(with("", "HTTP/1.1 2000 OK"), "bad status line");
    refused(with("", "HTTP/1.1 20 OK"), "bad status code");
    refused(with("", "HTTP/1.1 099 OK"), "status code out of range");
    refused(with("", "HTTP/1.1 600 OK"), "status code out of range");
    refused(with("", "HTTP/1.1 200 O\x01K"), "bad status line");
    refused("\r\n" + with(""), "bad status line");
    refused("<html>\r\n", "bad status line");
}

TEST(ResponseParser, FindsTheEndOfTheContentByTheBook) {
    EXPECT_EQ(parse(with("Transfer-Encoding: chunked\r\n")).head.end, ContentEnd::chunked);
    EXPECT_EQ(parse(with("transfer-encoding: CHUNKED\r\n")).head.end, ContentEnd::chunked);
    EXPECT_EQ(parse(with("")).head.end, ContentEnd::until_close);
    EXPECT_FALSE(parse(with("")).head.keep_alive);
    EXPECT_EQ(parse(with("Content-Length: 0\r\n")).head.end, ContentEnd::none);
    for (const char* line : {"HTTP/1.1 204 No Content", "HTTP/1.1 304 Not Modified", "HTTP/1.1 100 Continue"})
        EXPECT_EQ(parse(with("Content-Length: 5\r\n", line)).head.end, ContentEnd::none) << line;
    const Parsed head = parse(with("Content-Length: 5\r\n"), {.is_head = true});
    EXPECT_EQ(head.head.end, ContentEnd::none);
    EXPECT_TRUE(head.head.has_length);
    EXPECT_EQ(head.head.content_length, 5U);
}

TEST(ResponseParser, KnowsWhenTheConnectionMayBeKept) {
    EXPECT_FALSE(parse(with("Connection: close\r\nContent-Length: 1\r\n")).head.keep_alive);
    EXPECT_FALSE(parse(with("Connection: x, Close\r\nContent-Length: 1\r\n")).head.keep_alive);
    EXPECT_FALSE(parse(with("Content-Length: 1\r\n", "HTTP/1.0 200 OK")).head.keep_alive);
    EXPECT_TRUE(parse(with("Connection: keep-alive\r\nContent-Length: 1\r\n", "HTTP/1.0 200 OK")).head.keep_alive);
    EXPECT_EQ(parse(with("", "HTTP/1.0 200 OK")).head.end, ContentEnd::until_close);
}

TEST(ResponseParser, Fault61RefusesFramingThatTwoReadersCouldSeeDifferently) {
    refused(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), "Transfer-Encoding and Content-Length");
    refused(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), "Transfer-Encoding and Content-Length");
    refused(with("Transfer-Encoding: gzip, chunked\r\n"), "unknown transfer coding");
    refused(with("Transfer-Encoding: identity\r\n"), "unknown transfer coding");
    refused(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "two Transfer-Encoding fields");
    refused(with("Transfer-Encoding: chunked\r\n", "HTTP/1.0 200 OK"), "Transfer-Encoding in HTTP/1.0");
    refused(with("Content-Length: 5\r\nContent-Length: 5\r\n"), "two Content-Length fields");
    for (const char* value : {"", "+5", "-5", "0x5", "5, 5", "5 5", "9999999999999999999", "5a"})
        refused(with("Content-Length: " + std::string(value) + "\r\n"), "bad Content-Length");
}

TEST(ResponseParser, Fault61RefusesLinesThatSplitDifferently) {
    refused("HTTP/1.1 200 OK\n\n", "bare LF");
    refused(with("A: b\n"), "bare LF");
    refused(with("A: b\rC: d\r\n"), "bad field value");
    refused(with(std::string("A: b\0c\r\n", 8)), "bad field value");
    refused(with("A: b\r\n c\r\n"), "folded line");
    refused(with("A : b\r\n"), "bad field name");
    refused(with(": b\r\n"), "bad field name");
    refused(with("no colon\r\n"), "bad field name");
    refused(with("A\x80: b\r\n"), "bad field name");
}

TEST(ResponseParser, Fault61RefusesHeadsWithoutEnd) {
    refused(with("A: " + std::string(70'000, 'x') + "\r\n"), "head too large");
    refused("HTTP/1.1 200 OK\r\nA: " + std::string(70'000, 'x'), "head too large");
    std::string many;
    for (int i = 0; i < 101; ++i) many += "A: b\r\n";
    refused(with(many), "too many fields");
}

TEST(ResponseParser, TakesOnlyInterimResponsesThatItKnows) {
    EXPECT_EQ(parse(with("", "HTTP/1.1 100 Continue")).status, Status::complete);
    EXPECT_EQ(parse(with("Link: </a>\r\n", "HTTP/1.1 103 Early Hints")).status, Status::complete);
    refused(with("", "HTTP/1.1 102 Processing"), "unknown interim response");
    refused(with("", "HTTP/1.1 199 ?"), "unknown interim response");
    refused(with("", "HTTP/1.0 100 Continue"), "interim response in HTTP/1.0");
    refused(with("Upgrade: websocket\r\n", "HTTP/1.1 101 Switching Protocols"), "101 that nobody asked for");
    const auto upgraded = parse(with("Upgrade: websocket\r\n", "HTTP/1.1 101 Switching Protocols"), {.upgrade = true});
    EXPECT_EQ(upgraded.status, Status::complete);
    EXPECT_FALSE(upgraded.head.keep_alive);
    EXPECT_EQ(parse(with("", "HTTP/1.1 101 Switching Protocols"), {.upgrade = true}).status, Status::refused);
}

} // namespace
} // namespace mpsup::accelerator
