#include "worker/cache/validation.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

class Validation : public testing::Test {
protected:
    OneUrl url;
    int status_for(const OwnedFields& request) { return url.select(request).status; }
    void store_tag(const std::string& tag) {
        url.store({{"Expires", date(start + 100'000)}, {"ETag", tag}, {"Last-Modified", date(start - 3000)}});
    }
};

TEST_F(Validation, OfTheOriginSendsWhatCame) {
    store_tag("W/\"abcdef\"");
    EXPECT_EQ(origin_conditions(url.fields).if_none_match, "W/\"abcdef\"");
    EXPECT_EQ(origin_conditions(url.fields).if_modified_since, date(start - 3000));
    EXPECT_EQ(origin_conditions("A: b\r\n").if_none_match, "");
}

TEST_F(Validation, OfTheClientComparesTagsWeakly) {
    store_tag("\"abcdef\"");
    for (const char* list :
         {"\"abcdef\"", "W/\"abcdef\"", "\"1\", \"abcdef\"", "\"abcdef\",\"1\"", "*", "\"a,b\", \"abcdef\""})
        EXPECT_EQ(status_for({{"If-None-Match", list}}), 304) << list;
    for (const char* list : {"\"abcde\"", "abcdef", "", "\"abcdef", "\"x,\"abcdef\"\""})
        EXPECT_EQ(status_for({{"If-None-Match", list}}), 200) << list;
    store_tag("W/\"abcdef\"");
    EXPECT_EQ(status_for({{"If-None-Match", "\"abcdef\""}}), 304);
    EXPECT_EQ(status_for({{"If-None-Match", "\"1\""}, {"If-None-Match", "\"abcdef\""}}), 304) << "lines are one list";
}

TEST_F(Validation, OfTheClientTakesTagsBeforeDates) {
    store_tag("\"a\"");
    EXPECT_EQ(status_for({{"If-None-Match", "\"a\""}, {"If-Modified-Since", date(start - 5000)}}), 304);
    EXPECT_EQ(status_for({{"If-None-Match", "\"b\""}, {"If-Modified-Since", date(start)}}), 200);
}

TEST_F(Validation, OfTheClientComparesDates) {
    store_tag("\"a\"");
    EXPECT_EQ(status_for({{"If-Modified-Since", date(start - 3000)}}), 304);
    EXPECT_EQ(status_for({{"If-Modified-Since", date(start - 2000)}}), 304);
    EXPECT_EQ(status_for({{"If-Modified-Since", date(start - 3001)}}), 200);
    EXPECT_EQ(status_for({{"If-Modified-Since", "yesterday"}}), 200);
    url.store({{"Expires", date(start + 100'000)}});
    EXPECT_EQ(status_for({{"If-Modified-Since", date(start)}}), 304) << "without Last-Modified by Date";
    EXPECT_EQ(status_for({{"If-Modified-Since", date(start - 1)}}), 200);
}

TEST_F(Validation, IsForGoodResponsesOnly) {
    url.store({{"Cache-Control", "max-age=60"}, {"ETag", "\"a\""}}, {}, 404);
    EXPECT_EQ(status_for({{"If-None-Match", "\"a\""}}), 404);
    EXPECT_EQ(status_for({{"Range", "bytes=0-1"}}), 404);
}

TEST_F(Validation, ServesRangesOfWholeCopies) {
    store_tag("\"a\"");
    const auto ranges_of = [this](const char* range) { return url.select({{"Range", range}}).ranges; };
    EXPECT_EQ(status_for({{"Range", "bytes=0-1"}}), 206);
    EXPECT_EQ(ranges_of("bytes=0-1"), (std::vector<http::ByteRange>{{0, 2}}));
    EXPECT_EQ(ranges_of("bytes=1-"), (std::vector<http::ByteRange>{{1, 10}}));
    EXPECT_EQ(ranges_of("bytes=-1"), (std::vector<http::ByteRange>{{10, 1}}));
    EXPECT_EQ(ranges_of("bytes=0-0,5-6"), (std::vector<http::ByteRange>{{0, 1}, {5, 2}}));
    EXPECT_EQ(status_for({{"Range", "bytes=11-"}}), 416);
    EXPECT_EQ(status_for({{"Range", "lines=1-"}}), 200);
    EXPECT_EQ(status_for({{"Range", "bytes=0-1"}, {"If-None-Match", "\"a\""}}), 304);
}

TEST_F(Validation, HeedsIfRange) {
    store_tag("\"a\"");
    const auto with = [this](const std::string& value) {
        return status_for({{"Range", "bytes=0-1"}, {"If-Range", value}});
    };
    EXPECT_EQ(with("\"a\""), 206);
    EXPECT_EQ(with("\"b\""), 200);
    EXPECT_EQ(with("W/\"a\""), 200);
    EXPECT_EQ(with(date(start - 3000)), 206);
    EXPECT_EQ(with(date(start)), 200);
    store_tag("W/\"a\"");
    EXPECT_EQ(with("W/\"a\""), 200) << "a weak tag says nothing about bytes";
    url.store({{"Cache-Control", "max-age=9"}, {"Last-Modified", date(start)}});
    EXPECT_EQ(with(date(start)), 200) << "it may have changed again within that second";
}

TEST_F(Validation, BringsStoredFieldsUpToDate) {
    url.store({{"Cache-Control", "max-age=2"},
               {"ETag", "\"a\""},
               {"Content-Encoding", "gzip"},
               {"Content-Type", "text/plain"},
               {"X", "1"},
               {"Y", "1"},
               {"Y", "2"},
               {"Date", date(start)}});
    const OwnedFields answer{{"Cache-Control", "max-age=50"},
                             {"ETag", "\"b\""},
                             {"Content-Encoding", "br"},
                             {"Content-Length", "0"},
                             {"Content-Range", "x"},
                             {"Content-MD5", "x"},
                             {"Content-Type", "text/html"},
                             {"Y", "3"},
                             {"Connection", "Z"},
                             {"Z", "1"},
                             {"Date", date(start + 3)},
                             {"Age", "7"}};
    const Freshened fresh = freshen(url.fields, url.metadata, answer, url.rule, {start + 3, start + 3});
    EXPECT_EQ(fresh.fields, "ETag: \"a\"\r\nContent-Encoding: gzip\r\nX: 1\r\nCache-Control: max-age=50\r\n"
                            "Content-Type: text/html\r\nY: 3\r\nDate: " +
                                date(start + 3) + "\r\n");
    EXPECT_EQ(fresh.metadata.lifetime, 50);
    EXPECT_EQ(fresh.metadata.initial_age, 7);
    EXPECT_EQ(fresh.metadata.response_time, start + 3);
    EXPECT_EQ(fresh.metadata.status, 200);
    EXPECT_TRUE(fresh.keep);
}

TEST_F(Validation, KeepsWhatTheAnswerDoesNotMention) {
    url.store({{"Cache-Control", "max-age=2"},
               {"Last-Modified", date(start - 9)},
               {"Test-Header", "a"},
               {"Date", date(start)}});
    const Freshened fresh =
        freshen(url.fields, url.metadata, OwnedFields{{"Date", date(start + 3)}}, url.rule, {start + 3, start + 3});
    EXPECT_EQ(find_field(fresh.fields, "Test-Header"), "a");
    EXPECT_EQ(fresh.metadata.lifetime, 2) << "fresh again";
    EXPECT_EQ(fresh.metadata.age(start + 4), 1);
}

TEST_F(Validation, Fault69DoesNotStoreCookiesOfItsAnswers) {
    url.store({{"Cache-Control", "max-age=2"}, {"ETag", "\"a\""}});
    Freshened fresh =
        freshen(url.fields, url.metadata, OwnedFields{{"Set-Cookie", "session=1"}}, url.rule, {start, start});
    EXPECT_EQ(find_field(fresh.fields, "Set-Cookie"), std::nullopt);
    fresh = freshen(url.fields, url.metadata, OwnedFields{{"Cache-Control", "private"}}, url.rule, {start, start});
    EXPECT_FALSE(fresh.keep);
}

TEST_F(Validation, OfAHeadComparesWhatItSays) {
    const std::string stored = "ETag: \"a\"\r\nLast-Modified: x\r\n";
    EXPECT_TRUE(head_agrees(stored, 5, OwnedFields{{"ETag", "\"a\""}, {"Content-Length", "5"}}));
    EXPECT_TRUE(head_agrees(stored, 5, OwnedFields{}));
    EXPECT_FALSE(head_agrees(stored, 5, OwnedFields{{"Content-Length", "6"}}));
    EXPECT_FALSE(head_agrees(stored, 5, OwnedFields{{"Content-Length", "5x"}}));
    EXPECT_FALSE(head_agrees(stored, 5, OwnedFields{{"ETag", "\"b\""}}));
    EXPECT_FALSE(head_agrees(stored, 5, OwnedFields{{"Last-Modified", "y"}}));
    EXPECT_FALSE(head_agrees("", 5, OwnedFields{{"ETag", "\"b\""}}));
}

} // namespace
} // namespace mpsup::cache
