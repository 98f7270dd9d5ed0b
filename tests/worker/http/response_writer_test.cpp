#include "worker/http/response_writer.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

class Head : public testing::Test {
protected:
    HeadProblem write(int status, std::initializer_list<Field> fields, std::optional<std::uint64_t> length) {
        out.clear();
        return write_head(out, {status, {fields.begin(), fields.size()}, length, close}, context, written);
    }
    [[nodiscard]] bool says(std::string_view line) const { return out.contains("\r\n" + std::string(line) + "\r\n"); }

    ReplyContext context{false, 1, true};
    bool close = false;
    WrittenHead written;
    std::string out;
};

TEST_F(Head, SaysWhatTheHandlerSays) {
    ASSERT_EQ(write(404, {{"Content-Type", "text/plain"}, {"X-A", ""}}, 12), HeadProblem::none);
    EXPECT_TRUE(out.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-A: \r\nDate: "));
    EXPECT_TRUE(out.ends_with("\r\n\r\n"));
    EXPECT_TRUE(says("Content-Length: 12"));
    EXPECT_EQ(written.framing, BodyFraming::length);
    EXPECT_TRUE(written.keep_alive);
    EXPECT_FALSE(out.contains("Connection:"));
}

TEST_F(Head, ChunksWhatHasNoLength) {
    ASSERT_EQ(write(200, {}, std::nullopt), HeadProblem::none);
    EXPECT_TRUE(says("Transfer-Encoding: chunked"));
    EXPECT_EQ(written.framing, BodyFraming::chunked);
}

TEST_F(Head, ClosesForOldClientsWhereTheLengthIsUnknown) {
    context.minor_version = 0;
    ASSERT_EQ(write(200, {}, std::nullopt), HeadProblem::none);
    EXPECT_EQ(written.framing, BodyFraming::until_close);
    EXPECT_FALSE(written.keep_alive);
    EXPECT_TRUE(says("Connection: close"));
    EXPECT_FALSE(out.contains("chunked"));
    ASSERT_EQ(write(200, {}, 5), HeadProblem::none);
    EXPECT_TRUE(says("Connection: keep-alive"));
}

TEST_F(Head, SendsNoContentWhereThereIsNone) {
    for (const int status : {204, 304}) {
        ASSERT_EQ(write(status, {}, 5), HeadProblem::none);
        EXPECT_EQ(written.framing, BodyFraming::none);
        EXPECT_FALSE(out.contains("Content-Length"));
        EXPECT_FALSE(out.contains("Transfer-Encoding"));
    }
    ASSERT_EQ(write(205, {}, 5), HeadProblem::none);
    EXPECT_EQ(written.framing, BodyFraming::none);
    EXPECT_TRUE(says("Content-Length: 0"));
    context.is_head = true;
    ASSERT_EQ(write(200, {}, 5), HeadProblem::none);
    EXPECT_EQ(written.framing, BodyFraming::none);
    EXPECT_TRUE(says("Content-Length: 5"));
}

TEST_F(Head, KeepsFramingToItself) {
    ASSERT_EQ(write(200,
                    {{"content-length", "99"},
                     {"Transfer-Encoding", "gzip"},
                     {"connection", "upgrade"},
                     {"Keep-Alive", "x"},
                     {"Upgrade", "x"},
                     {"Trailer", "x"}},
                    5),
              HeadProblem::none);
    EXPECT_FALSE(out.contains("99"));
    EXPECT_FALSE(out.contains("gzip"));
    EXPECT_FALSE(out.contains("pgrade"));
    EXPECT_FALSE(out.contains(": x"));
}

TEST_F(Head, LeavesTheDateOfTheHandlerAlone) {
    ASSERT_EQ(write(200, {{"date", "Sun, 06 Nov 1994 08:49:37 GMT"}}, 0), HeadProblem::none);
    EXPECT_FALSE(out.contains("Date:"));
}

TEST_F(Head, RefusesWhatWouldSplitTheResponse) {
    using namespace std::string_view_literals;
    for (const std::string_view value : {"a\r\nb"sv, "a\nb"sv, "a\rb"sv, "a\0b"sv, "\x01"sv, "\x7f"sv})
        EXPECT_EQ(write(200, {{"X", value}}, 0), HeadProblem::bad_field_value);
    for (const std::string_view name : {""sv, "a b"sv, "a:"sv, "a\r\n"sv, "\xe9"sv})
        EXPECT_EQ(write(200, {{name, "x"}}, 0), HeadProblem::bad_field_name);
    for (const int status : {-1, 0, 99, 100, 101, 199, 600, 1000})
        EXPECT_EQ(write(status, {}, 0), HeadProblem::bad_status) << status;
    EXPECT_EQ(out, "");
}

TEST_F(Head, EndsTheConnectionWhenEitherSideWantsIt) {
    close = true;
    ASSERT_EQ(write(200, {}, 0), HeadProblem::none);
    EXPECT_FALSE(written.keep_alive);
    close = false;
    context.keep_alive = false;
    ASSERT_EQ(write(200, {}, 0), HeadProblem::none);
    EXPECT_TRUE(says("Connection: close"));
}

TEST(PlainReply, NamesItsStatus) {
    std::string out;
    write_plain_reply(out, 405, {}, "GET");
    EXPECT_TRUE(out.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    EXPECT_TRUE(out.contains("\r\nAllow: GET\r\n"));
    EXPECT_TRUE(out.contains("\r\nContent-Length: 23\r\n"));
    EXPECT_TRUE(out.ends_with("\r\n\r\n405 Method Not Allowed\n"));
}

TEST(PlainReply, HasAPageOfTheSiteInPlaceOfIt) {
    std::string out;
    write_plain_reply(out, 413, {}, {}, "<p>too much");
    EXPECT_TRUE(out.contains("\r\nContent-Type: text/html; charset=utf-8\r\n"));
    EXPECT_TRUE(out.ends_with("\r\n\r\n<p>too much"));
    out.clear();
    write_plain_reply(out, 413, {true, 1, false}, {}, "<p>too much");
    EXPECT_TRUE(out.ends_with("\r\n\r\n")) << "of HEAD the head";
}

TEST(ChunkStart, IsHexadecimal) {
    ChunkSpace space;
    EXPECT_EQ(chunk_start(space, 1), "1\r\n");
    EXPECT_EQ(chunk_start(space, 8000), "1f40\r\n");
    EXPECT_EQ(chunk_start(space, ~std::uint64_t{0}), "ffffffffffffffff\r\n");
}

} // namespace
} // namespace mpsup::http
