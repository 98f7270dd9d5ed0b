#include "worker/http/body_decoder.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::http {
namespace {

struct Outcome {
    std::string content;
    std::string rest;
    int refusal = 0;
    bool ended = false;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

// Feeds `bytes` in pieces of `step`; whatever is not used up is fed again.
Outcome decode(BodyDecoder& decoder, std::string_view bytes, std::size_t step) {
    Outcome outcome;
    while (true) {
        const std::string part(bytes.substr(0, step)); // its end is guarded by the sanitizer
        const auto result = decoder.decode(part);
        outcome.content += result.piece;
        bytes.remove_prefix(result.used);
        if (result.status == BodyDecoder::Status::refused) {
            outcome.refusal = decoder.refusal().status;
            return outcome;
        }
        if (result.status == BodyDecoder::Status::end) {
            outcome.ended = true;
            outcome.rest = bytes;
            return outcome;
        }
        if (bytes.empty() && result.status == BodyDecoder::Status::more) return outcome;
    }
}

Outcome chunked(std::string_view bytes, Limits limits = {}, std::size_t head = 100, std::size_t fields = 5) {
    BodyDecoder whole(limits);
    whole.start(Framing::chunked, 0, head, fields);
    const Outcome expected = decode(whole, bytes, std::string_view::npos);
    for (const std::size_t step : {std::size_t{1}, std::size_t{3}}) {
        BodyDecoder cut(limits);
        cut.start(Framing::chunked, 0, head, fields);
        EXPECT_EQ(decode(cut, bytes, step), expected) << "in pieces of " << step;
    }
    return expected;
}

TEST(BodyDecoder, CountsALength) {
    BodyDecoder decoder({});
    decoder.start(Framing::length, 5, 10, 1);
    const Outcome outcome = decode(decoder, "helloGET", 3);
    EXPECT_EQ(outcome.content, "hello");
    EXPECT_EQ(outcome.rest, "GET");
    EXPECT_TRUE(outcome.ended);
    EXPECT_EQ(decoder.delivered(), 5U);
}

TEST(BodyDecoder, EndsAtOnceWithoutABody) {
    BodyDecoder decoder({});
    decoder.start(Framing::none, 0, 10, 1);
    EXPECT_TRUE(decoder.ended());
    EXPECT_EQ(decode(decoder, "GET", 3).rest, "GET");
}

TEST(BodyDecoder, JoinsChunks) {
    const Outcome outcome = chunked("5\r\nhello\r\n00A\r\n, world!!!\r\n0\r\n\r\nGET");
    EXPECT_EQ(outcome.content, "hello, world!!!");
    EXPECT_EQ(outcome.rest, "GET");
}

TEST(BodyDecoder, TakesExtensionsAndTrailersAndForgetsThem) {
    const Outcome outcome = chunked("1;a;b=c;d=\"e\\\"; f\"\r\nx\r\n0;z\r\nTrailer: v\r\nOther:\r\n\r\n");
    EXPECT_EQ(outcome.content, "x");
    EXPECT_TRUE(outcome.ended);
}

TEST(BodyDecoder, RefusesSizesThatAreNone) {
    for (const char* bad : {"\r\n", " 5\r\n", "5 \r\n", "0x5\r\n", "+5\r\n", "-1\r\n", "1_0\r\n", "g\r\n", "5\n",
                            "5\rx", "FFFFFFFFFFFFFFFF0\r\n", "8000000000000000\r\n", "00000000000000005\r\n"})
        EXPECT_EQ(chunked(bad).refusal, 400) << bad;
}

TEST(BodyDecoder, RefusesBadExtensions) {
    for (const char* bad : {"5;\r\n", "5;\n", "5; a\r\n", "5;=b\r\n", "5;a=\r\n", "5;a=\"b\r\n", "5;a=\"b\"c\r\n",
                            "5;a\rX", "5;a=\"\x01\"\r\n", "5;a=\"b\nc\"\r\n", "5;a=\"\\\x01\"\r\n", "5;a=b c\r\n"})
        EXPECT_EQ(chunked(bad).refusal, 400) << bad;
}

TEST(BodyDecoder, RefusesChunksThatDoNotEndWhereTheySay) {
    for (const char* bad : {"5\r\nhello!!\r\n", "5\r\nhello0\r\n", "5\r\nhello\n", "5\r\nhello\rx"})
        EXPECT_EQ(chunked(bad).refusal, 400) << bad;
}

TEST(BodyDecoder, RefusesBadTrailers) {
    for (const char* bad : {"0\r\n\n", "0\r\n\rx", "0\r\n: x\r\n", "0\r\n a: x\r\n", "0\r\na b: x\r\n", "0\r\na\r\n",
                            "0\r\na: x\n", "0\r\na: x\ry", "0\r\na: \x02\r\n"})
        EXPECT_EQ(chunked(bad).refusal, 400) << bad;
}

TEST(BodyDecoder, LimitsContent) {
    Limits limits;
    limits.body = 10;
    EXPECT_EQ(chunked("A\r\n0123456789\r\n0\r\n\r\n", limits).content.size(), 10U);
    EXPECT_EQ(chunked("B\r\n", limits).refusal, 413);
    EXPECT_EQ(chunked("9\r\n012345678\r\n2\r\n", limits).refusal, 413);
    EXPECT_EQ(chunked("7fffffffffffffff\r\n", limits).refusal, 413);
}

TEST(BodyDecoder, LimitsExtensions) {
    EXPECT_EQ(chunked("5;a=" + std::string(300, 'x')).refusal, 400);
    std::string many;
    for (int i = 0; i < 100; ++i) many += "1;a=" + std::string(200, 'x') + "\r\ny\r\n";
    EXPECT_EQ(chunked(many).refusal, 400);
}

TEST(BodyDecoder, CountsTrailersWithTheHead) {
    const Limits limits;
    EXPECT_EQ(chunked("0\r\na: b\r\n\r\n", limits, limits.head - 3).refusal, 431);
    EXPECT_EQ(chunked("0\r\na: b\r\n\r\n", limits, 0, limits.fields).refusal, 431);
    EXPECT_EQ(chunked("0\r\na: " + std::string(9000, 'x')).refusal, 431);
}

TEST(BodyDecoder, TakesAMillionChunksOfOneByte) {
    std::string bytes;
    for (int i = 0; i < 1'000'000; ++i) bytes += "1\r\nx\r\n";
    bytes += "0\r\n\r\n";
    BodyDecoder decoder({});
    decoder.start(Framing::chunked, 0, 0, 0);
    std::size_t at = 0;
    std::size_t pieces = 0;
    auto step = decoder.decode(bytes);
    for (; step.status == BodyDecoder::Status::piece; step = decoder.decode(std::string_view(bytes).substr(at))) {
        at += step.used;
        ++pieces;
    }
    EXPECT_EQ(pieces, 1'000'000U);
    EXPECT_EQ(step.status, BodyDecoder::Status::end);
}

} // namespace
} // namespace mpsup::http
