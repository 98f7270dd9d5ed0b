#include "worker/cache/reply_head.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

constexpr std::string_view fields = "Date: D\r\nContent-Type: text/html\r\nETag: \"a\"\r\nX: y\r\n";

class ReplyHead : public testing::Test {
protected:
    StoredReply reply{200, fields, 5, "mpsup; hit", 10, {}, {}, false};
    http::ReplyContext context{false, 1, true};
    http::WrittenHead written;
    std::string head() {
        std::string out;
        written = write_stored_head(out, reply, context);
        return out;
    }
};

TEST_F(ReplyHead, IsTheStoredOneWithAgeAndLength) {
    EXPECT_EQ(head(), "HTTP/1.1 200 OK\r\n" + std::string(fields) +
                          "Age: 5\r\nCache-Status: mpsup; hit\r\nContent-Length: 10\r\n\r\n");
    EXPECT_EQ(written.framing, http::BodyFraming::length);
    EXPECT_TRUE(written.keep_alive);
}

TEST_F(ReplyHead, OfA304HasWhatIdentifiesTheResponse) {
    reply.status = 304;
    EXPECT_EQ(head(),
              "HTTP/1.1 304 Not Modified\r\nDate: D\r\nETag: \"a\"\r\nAge: 5\r\nCache-Status: mpsup; hit\r\n\r\n");
    EXPECT_EQ(written.framing, http::BodyFraming::none);
}

TEST_F(ReplyHead, OfRangesNamesThem) {
    reply.status = 206;
    reply.content_range = "bytes 0-1/10";
    reply.length = 2;
    EXPECT_TRUE(head().ends_with("Content-Range: bytes 0-1/10\r\nContent-Length: 2\r\n\r\n"));
    reply.content_range = {};
    reply.content_type = "multipart/byteranges; boundary=x";
    EXPECT_EQ(head().find("text/html"), std::string::npos);
    EXPECT_NE(head().find("Content-Type: multipart/byteranges; boundary=x\r\n"), std::string::npos);
    reply.status = 416;
    reply.content_type = {};
    reply.content_range = "bytes */10";
    reply.length = 0;
    EXPECT_EQ(head(), "HTTP/1.1 416 Range Not Satisfiable\r\nDate: D\r\nAge: 5\r\nCache-Status: mpsup; hit\r\n"
                      "Content-Range: bytes */10\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(ReplyHead, IsFramedForTheClient) {
    context.is_head = true;
    EXPECT_TRUE(head().ends_with("Content-Length: 10\r\n\r\n"));
    EXPECT_EQ(written.framing, http::BodyFraming::none);
    context = {false, 0, true};
    EXPECT_TRUE(head().ends_with("Connection: keep-alive\r\n\r\n"));
    context.keep_alive = false;
    EXPECT_TRUE(head().ends_with("Connection: close\r\n\r\n"));
    reply.status = 204;
    EXPECT_EQ(head().find("Content-Length"), std::string::npos);
}

} // namespace
} // namespace mpsup::cache
