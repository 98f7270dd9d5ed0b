#include "worker/cache/storable.h"

#include "tests/worker/cache/messages.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

class Storable : public testing::Test {
protected:
    OneUrl url;
    bool stores(const OwnedFields& response, int status = 200) { return url.store(response, {}, status); }
};

TEST_F(Storable, IsNothingThatForbidsIt) {
    for (const char* value :
         {"no-store", "No-StOrE", "max-age=10000, no-store", "private, max-age=3600", "private=\"\", max-age=5"}) {
        EXPECT_FALSE(stores({{"Cache-Control", value}, {"Expires", date(start + 10000)}})) << value;
    }
    EXPECT_EQ(url.reason, "private");
    EXPECT_FALSE(url.store({{"Cache-Control", "max-age=60"}}, {{"Cache-Control", "no-store"}}));
}

TEST_F(Storable, IsNothingThatNobodyAskedToKeep) {
    EXPECT_FALSE(stores({}));
    EXPECT_FALSE(stores({{"ETag", "\"same for all users\""}}));
    EXPECT_TRUE(stores({{"ETag", "\"x\""}, {"Cache-Control", "no-cache"}}));
    EXPECT_FALSE(stores({{"Cache-Control", "no-cache"}})) << "never usable";
    EXPECT_FALSE(stores({{"Cache-Control", "max-age=0"}}));
    EXPECT_TRUE(stores({{"Cache-Control", "max-age=0, stale-while-revalidate=5"}}));
    EXPECT_TRUE(stores({{"Cache-Control", "max-age=0"}, {"Last-Modified", date(start)}}));
}

TEST_F(Storable, IsAnyFinalStatusWithALifetime) {
    for (const int status : {200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599})
        EXPECT_TRUE(stores({{"Cache-Control", "max-age=60"}}, status)) << status;
    for (const int status : {100, 101, 206, 304, 999})
        EXPECT_FALSE(stores({{"Cache-Control", "max-age=60"}}, status)) << status;
    EXPECT_FALSE(stores({{"Cache-Control", "max-age=60"}, {"Content-Range", "bytes */5"}}, 416));
}

TEST_F(Storable, MustBeUnderstoodIfItSaysSo) {
    EXPECT_FALSE(stores({{"Cache-Control", "max-age=60, must-understand"}}, 599));
    EXPECT_TRUE(stores({{"Cache-Control", "max-age=60, must-understand, no-store"}}, 200))
        << "no-store is for those who do not";
    EXPECT_FALSE(stores({{"Cache-Control", "max-age=60, must-understand, no-store"}}, 599));
}

TEST_F(Storable, Fault69IsNothingForWhoeverIsLoggedInUnlessItSaysSo) {
    const OwnedFields logged_in{{"Authorization", "Basic eDp5"}};
    EXPECT_FALSE(url.store({{"Expires", date(start + 3600)}}, logged_in));
    EXPECT_EQ(url.reason, "authorization");
    for (const char* value : {"max-age=60, public", "max-age=60, must-revalidate", "s-maxage=60"})
        EXPECT_TRUE(url.store({{"Cache-Control", value}}, logged_in)) << value;
}

TEST_F(Storable, Fault69IsNothingThatSetsACookieUnlessItSaysSo) {
    const OwnedFields cookie{{"Cache-Control", "max-age=60"}, {"Set-Cookie", "session=1"}};
    EXPECT_FALSE(stores(cookie));
    EXPECT_EQ(url.reason, "set-cookie");
    EXPECT_TRUE(stores({{"Cache-Control", "max-age=60, public"}, {"Set-Cookie", "a=b"}}));
    EXPECT_TRUE(url.has("Set-Cookie"));
    url.rule.default_ttl = 60;
    EXPECT_FALSE(stores({{"Set-Cookie", "session=1"}})) << "a route's default is no permission";
}

TEST_F(Storable, Fault69IsNotJudgedByWhatTheUrlLooksLike) {
    for (const char* path : {"/account/x.css", "/account;x.css", "/account%0ax.css", "/account%2f..%2fx.css"}) {
        http::Request request = get();
        request.path = path;
        const CacheRequest asked = read_request(request, false, caching());
        EXPECT_FALSE(
            judge_response(asked, 200, OwnedFields{{"Content-Type", "text/html"}}, caching(), {start, start}).store);
    }
}

TEST_F(Storable, IsNothingThatVariesOnEverything) {
    for (const char* value : {"*", "*, *", ", *", "*, Foo", "Foo, *"})
        EXPECT_FALSE(stores({{"Cache-Control", "max-age=60"}, {"Vary", value}})) << value;
    EXPECT_FALSE(stores({{"Cache-Control", "max-age=60"}, {"Vary", ""}, {"Vary", "*"}}));
    EXPECT_TRUE(stores({{"Cache-Control", "max-age=60"}, {"Vary", "Foo"}}));
}

TEST_F(Storable, IsOfAGetAndOfAPostThatNamesItself) {
    const OwnedFields lasting{{"Cache-Control", "max-age=60"}};
    const OwnedFields named{{"Cache-Control", "max-age=60"}, {"Content-Location", "/p"}};
    EXPECT_FALSE(url.store(lasting, {}, 200, "HEAD"));
    EXPECT_FALSE(url.store(lasting, {}, 200, "POST"));
    EXPECT_FALSE(url.store(named, {}, 200, "PUT"));
    EXPECT_TRUE(url.store(named, {}, 200, "POST"));
    EXPECT_TRUE(
        url.store({{"Expires", date(start + 60)}, {"Content-Location", "http://EXAMPLE.org:80/p"}}, {}, 200, "POST"));
    EXPECT_FALSE(url.store({{"Cache-Control", "max-age=60"}, {"Content-Location", "/q"}}, {}, 200, "POST"));
    url.rule.default_ttl = 60;
    EXPECT_FALSE(url.store({{"Content-Location", "/p"}}, {}, 200, "POST")) << "the lifetime must be its own";
}

TEST(StoredFields, LeaveOutWhatIsOfTheConnection) {
    const OwnedFields fields{{"Connection", "a, B"},
                             {"a", "1"},
                             {"b", "2"},
                             {"c", "3"},
                             {"Keep-Alive", "x"},
                             {"TE", "x"},
                             {"Transfer-Encoding", "chunked"},
                             {"Upgrade", "x"},
                             {"Proxy-Authenticate", "x"},
                             {"Proxy-Authentication-Info", "x"},
                             {"Proxy-Authorization", "x"},
                             {"Proxy-Connection", "x"},
                             {"Age", "1"},
                             {"Content-Length", "5"},
                             {"Cache-Status", "other; hit"},
                             {"Date", "D"}};
    EXPECT_EQ(stored_fields(fields, false, start), "c: 3\r\nDate: D\r\n");
}

TEST(StoredFields, LeaveOutWhatNeedsValidationOrIsPrivate) {
    const OwnedFields fields{{"Cache-Control", "no-cache=\"a, b\", private=\"c\", max-age=5"},
                             {"a", "1"},
                             {"B", "2"},
                             {"c", "3"},
                             {"d", "4"},
                             {"Date", "D"}};
    EXPECT_EQ(stored_fields(fields, false, start),
              "Cache-Control: no-cache=\"a, b\", private=\"c\", max-age=5\r\nd: 4\r\nDate: D\r\n");
}

TEST(StoredFields, HaveADateAndNothingThatWouldBreakAReply) {
    const OwnedFields fields{{"X", "a\r\nEvil: b"}, {"bad name", "x"}, {"Y", ""}};
    EXPECT_EQ(stored_fields(fields, false, start), "Y: \r\nDate: " + date(start) + "\r\n");
}

TEST(StoredFields, CanBeReadAgain) {
    const std::string text = "Content-Type: text/html\r\nETag: \"a: b\"\r\nEmpty: \r\n";
    std::vector<http::Field> fields;
    split_fields(text, fields);
    ASSERT_EQ(fields.size(), 3U);
    EXPECT_EQ(fields[1].name, "ETag");
    EXPECT_EQ(fields[1].value, "\"a: b\"");
    EXPECT_EQ(find_field(text, "etag"), "\"a: b\"");
    EXPECT_EQ(find_field(text, "Empty"), "");
    EXPECT_EQ(find_field(text, "Tag"), std::nullopt);
    EXPECT_EQ(find_field("", "Tag"), std::nullopt);
}

TEST(Tags, AreThoseOfBothFields) {
    EXPECT_EQ(tags_of(OwnedFields{{"Cache-Tag", "news, page 1 ,,"}, {"Surrogate-Key", "a  b"}, {"X", "y"}}),
              "news\npage 1\na\nb\n");
    std::string many;
    for (int i = 0; i < 100; ++i) many += "t" + std::to_string(i) + " ";
    const std::string tags = tags_of(OwnedFields{{"Surrogate-Key", many}});
    EXPECT_EQ(std::ranges::count(tags, '\n'), 64);
}

} // namespace
} // namespace mpsup::cache
