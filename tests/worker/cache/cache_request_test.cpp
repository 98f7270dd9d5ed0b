#include "worker/cache/cache_request.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

using Kind = CacheRequest::Kind;

Kind kind_of(const http::Request& request) { return read_request(request, false, caching()).kind; }
Kind kind_with(const OwnedFields& fields) { return kind_of(get(fields)); }

TEST(CacheRequest, LooksForGetAndHead) {
    http::Request request = get();
    EXPECT_EQ(kind_of(request), Kind::lookup);
    request.method = "HEAD";
    EXPECT_EQ(kind_of(request), Kind::lookup);
    EXPECT_TRUE(read_request(request, false, caching()).is_head);
    EXPECT_EQ(read_request(request, true, caching()).key.text(), "https://example.org/p");
    request.method = "OPTIONS";
    EXPECT_EQ(kind_of(request), Kind::bypass);
    EXPECT_STREQ(read_request(request, false, caching()).reason, "method");
    request.method = "get";
    EXPECT_EQ(kind_of(request), Kind::unsafe) << "another method, and who knows what it does";
}

TEST(CacheRequest, LetsTheUnsafeThroughEvenWhereNothingIsCached) {
    http::Request request = get();
    for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "M-SEARCH"}) {
        request.method = method;
        EXPECT_EQ(kind_of(request), Kind::unsafe);
        EXPECT_EQ(read_request(request, false, Rule{}).kind, Kind::unsafe);
    }
}

TEST(CacheRequest, Fault68IgnoresAFatGet) {
    http::Request request = get();
    request.framing = http::Framing::length;
    EXPECT_EQ(kind_of(request), Kind::lookup) << "of no bytes";
    request.content_length = 1;
    EXPECT_EQ(kind_of(request), Kind::bypass);
    request.framing = http::Framing::chunked;
    request.content_length = 0;
    EXPECT_EQ(kind_of(request), Kind::bypass);
}

TEST(CacheRequest, Fault68IsNotSelectedByOverrides) {
    const CacheRequest plain = read_request(get(), false, caching());
    const OwnedFields fields{
        {"X-Forwarded-Host", "evil.example"}, {"X-Original-URL", "/admin"}, {"X-HTTP-Method-Override", "POST"}};
    const CacheRequest tricky = read_request(get(fields), false, caching());
    EXPECT_EQ(tricky.kind, Kind::lookup);
    EXPECT_EQ(tricky.key.text(), plain.key.text());
}

TEST(CacheRequest, LeavesToTheOriginWhatOnlyItCanJudge) {
    EXPECT_EQ(kind_with({{"If-Match", "\"a\""}}), Kind::bypass);
    EXPECT_EQ(kind_with({{"If-Unmodified-Since", date(start)}}), Kind::bypass);
    EXPECT_EQ(kind_with({{"Upgrade", "websocket"}}), Kind::bypass);
    http::Request request = get();
    request.authority = "";
    EXPECT_EQ(kind_of(request), Kind::bypass);
    EXPECT_EQ(read_request(get(), false, Rule{}).kind, Kind::bypass) << "the route does not cache";
}

TEST(CacheRequest, LeavesToTheOriginWhatConnectionTakesAway) {
    EXPECT_EQ(kind_with({{"Connection", "close, Accept-Language"}}), Kind::bypass);
    EXPECT_EQ(kind_with({{"Connection", "Keep-Alive"}, {"Connection", "Cookie"}}), Kind::bypass);
    for (const char* usual : {"close", "Keep-Alive", "TE, close", "keep-alive, Upgrade", "trailers", ""})
        EXPECT_EQ(kind_with({{"Connection", usual}}), Kind::lookup) << usual;
    const OwnedFields fields{{"Connection", "Cookie"}};
    http::Request post = get(fields);
    post.method = "POST";
    EXPECT_EQ(read_request(post, false, caching()).kind, Kind::unsafe);
    EXPECT_FALSE(read_request(post, false, caching()).is_post) << "so its response is not stored";
}

TEST(CacheRequest, HeedsClientsUnlessTheRouteSaysOtherwise) {
    EXPECT_EQ(kind_with({{"Cache-Control", "no-store"}}), Kind::bypass);
    EXPECT_TRUE(read_request(get(OwnedFields{{"Pragma", "no-cache"}}), false, caching()).client.no_cache);
    EXPECT_FALSE(read_request(get(OwnedFields{{"Pragma", "no-cache"}, {"Cache-Control", "x"}}), false, caching())
                     .client.no_cache)
        << "Pragma is for those who do not know Cache-Control";
    Rule deaf = caching();
    deaf.obey_clients = false;
    EXPECT_EQ(read_request(get(OwnedFields{{"Cache-Control", "no-store"}}), false, deaf).kind, Kind::lookup);
    EXPECT_FALSE(read_request(get(OwnedFields{{"Pragma", "no-cache"}}), false, deaf).client.no_cache);
}

TEST(CacheRequest, SeesConditionsAndRanges) {
    const OwnedFields fields{{"Range", "bytes=0-1"}, {"If-None-Match", "\"a\""}, {"Authorization", "x"}};
    http::Request request = get(fields);
    CacheRequest asked = read_request(request, false, caching());
    EXPECT_TRUE(asked.is_conditional && asked.has_authorization);
    EXPECT_EQ(asked.range, "bytes=0-1");
    request.method = "HEAD";
    EXPECT_EQ(read_request(request, false, caching()).range, "") << "means something for GET only";
    EXPECT_TRUE(is_client_condition("if-none-match") && is_client_condition("If-Range"));
    EXPECT_FALSE(is_client_condition("If-Match"));
}

} // namespace
} // namespace mpsup::cache
