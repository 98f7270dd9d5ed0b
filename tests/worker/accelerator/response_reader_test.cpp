#include "worker/accelerator/response_reader.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace mpsup::accelerator {
namespace {

using Event = ResponseReader::Event;

struct Read {
    std::vector<int> interim;
    int status = 0;
    std::string content;
    std::string problem;
    bool whole = false, upgraded = false, reusable = false;
    friend bool operator==(const Read&, const Read&) = default;
};

Read read_on(ResponseReader& reader, std::string_view bytes, bool ends, std::size_t step) {
    Read read;
    for (;;) {
        switch (reader.next()) {
        case Event::need_input: {
            if (bytes.empty() && !ends) return read;
            if (bytes.empty()) {
                reader.received_end();
                break;
            }
            const auto space = reader.input_space();
            const std::size_t count = std::min({space.size(), bytes.size(), step});
            bytes.copy(space.data(), count);
            bytes.remove_prefix(count);
            reader.received(count);
            break;
        }
        case Event::interim: read.interim.push_back(reader.head().status); break;
        case Event::head: read.status = reader.head().status; break;
        case Event::piece: read.content += reader.piece(); break;
        case Event::end:
            read.whole = true;
            read.reusable = reader.reusable() && bytes.empty();
            return read;
        case Event::upgraded:
            read.upgraded = true;
            read.content += reader.unread();
            read.content += bytes;
            return read;
        case Event::failed: read.problem = reader.problem(); return read;
        }
    }
}

// In one piece, byte by byte and in between, with the same outcome.
Read read(std::string_view bytes, Expectation expectation = {}, bool ends = true) {
    ResponseReader reader;
    reader.start(expectation);
    Read whole = read_on(reader, bytes, ends, bytes.size());
    for (const std::size_t step : {1U, 7U}) {
        ResponseReader cut;
        cut.start(expectation);
        Read again = read_on(cut, bytes, ends, step);
        again.reusable = whole.reusable; // who reads in small steps leaves what follows unread
        EXPECT_EQ(again, whole) << bytes;
    }
    return whole;
}

TEST(ResponseReader, DeliversContentOfAKnownLength) {
    const Read got = read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", {}, false);
    EXPECT_EQ(got.content, "hello");
    EXPECT_TRUE(got.whole);
    EXPECT_TRUE(got.reusable);
}

TEST(ResponseReader, DeliversChunksAndDropsTrailers) {
    const Read got =
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nX: y\r\n\r\n");
    EXPECT_EQ(got.content, "hello world");
    EXPECT_TRUE(got.whole);
}

TEST(ResponseReader, DeliversWhatEndsWithTheConnection) {
    const Read got = read("HTTP/1.0 200 OK\r\n\r\nhello");
    EXPECT_EQ(got.content, "hello");
    EXPECT_TRUE(got.whole);
    EXPECT_FALSE(got.reusable);
}

TEST(ResponseReader, KeepsReadingLargeContent) {
    const std::string content(300'000, 'x');
    EXPECT_EQ(read("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + content).content, content);
    EXPECT_EQ(
        read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + content + "\r\n0\r\n\r\n").content,
        content);
}

TEST(ResponseReader, PassesOnInterimResponses) {
    const Read got = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_EQ(got.interim, std::vector<int>{103});
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.content, "ok");
}

TEST(ResponseReader, Fault61StopsAFloodOfInterimResponses) {
    std::string flood;
    for (int i = 0; i < 9; ++i) flood += "HTTP/1.1 100 Continue\r\n\r\n";
    EXPECT_EQ(read(flood + "HTTP/1.1 204 No Content\r\n\r\n").problem, "too many interim responses");
}

TEST(ResponseReader, Fault61NeverCallsAShortBodyWhole) {
    Read got = read("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello");
    EXPECT_FALSE(got.whole);
    EXPECT_EQ(got.problem, "the connection ended inside the content");
    got = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    EXPECT_EQ(got.content, "hello");
    EXPECT_FALSE(got.whole);
    got = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n");
    EXPECT_EQ(got.problem, "chunk longer than its size");
    EXPECT_EQ(read("HTTP/1.1 200").problem, "the connection ended inside a head");
    EXPECT_EQ(read("").problem, "the connection ended before a response");
}

TEST(ResponseReader, Fault61DoesNotReuseAConnectionWithExtraBytes) {
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!", {}, false).reusable);
    EXPECT_FALSE(read("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", {}, false).reusable);
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", {.is_head = true}, false).reusable);
    EXPECT_FALSE(read("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", {}, false).reusable);
}

TEST(ResponseReader, ServesRequestAfterRequest) {
    ResponseReader reader;
    for (int i = 0; i < 3; ++i) {
        reader.start({});
        EXPECT_FALSE(reader.begun());
        const Read got = read_on(reader, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, 100);
        EXPECT_TRUE(reader.begun());
        EXPECT_EQ(got.content, "abc");
        EXPECT_TRUE(got.reusable);
    }
    reader.start({.is_head = true});
    EXPECT_TRUE(read_on(reader, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 100).reusable);
}

TEST(ResponseReader, HandsOverWhatFollowsAnUpgrade) {
    const Read got = read("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nraw",
                          {.upgrade = true});
    EXPECT_EQ(got.status, 101);
    EXPECT_TRUE(got.upgraded);
    EXPECT_EQ(got.content, "raw");
}

} // namespace
} // namespace mpsup::accelerator
