#include "worker/cache/freshness.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

class Freshness : public testing::Test {
protected:
    OneUrl url;
    Metadata of(const OwnedFields& fields, int status = 200) {
        return freshness(status, fields, response_directives(fields), url.rule, {start, start});
    }
    Came reuse(const OwnedFields& response) {
        OneUrl fresh;
        fresh.rule = url.rule;
        return fresh.reuse_of(response);
    }
};

TEST_F(Freshness, NeedsAnExplicitLifetime) {
    EXPECT_EQ(reuse({}), Came::forwarded);
    EXPECT_EQ(reuse({{"Last-Modified", date(start - 1'000'000)}}), Came::forwarded) << "no heuristics";
    EXPECT_EQ(reuse({{"Cache-Control", "public"}, {"Last-Modified", date(start - 1'000'000)}}), Came::validated);
}

TEST_F(Freshness, IsOfMaxAge) {
    for (const char* value : {"max-age=3600", "max-age=2147483647", "max-age=2147483648", "max-age=99999999999",
                              "foobar, max-age=3600", "MaX-aGe=3600", "max-age=003600"})
        EXPECT_EQ(reuse({{"Cache-Control", value}}), Came::cached) << value;
    for (const char* value :
         {"max-age=0", "max-age=1", "max-age=3", "max-age=-3600", "max-age='3600'", "max-age=1, x=\"max-age=3600\""})
        EXPECT_EQ(reuse({{"Cache-Control", value}}), Came::forwarded) << value;
}

TEST_F(Freshness, OfASharedCacheIsOfSMaxage) {
    EXPECT_EQ(reuse({{"Cache-Control", "s-maxage=3600"}}), Came::cached);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600, s-maxage=1"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Cache-Control", "s-maxage=1"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=0, s-maxage=3600"}, {"Expires", date(start - 10)}}), Came::cached);
}

TEST_F(Freshness, OfMaxAgeGoesBeforeExpires) {
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Expires", date(start - 7200)}}), Came::cached);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Expires", "0"}}), Came::cached);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=0"}, {"Expires", date(start + 3600)}}), Came::forwarded);
}

TEST_F(Freshness, IsExpiresMinusDate) {
    EXPECT_EQ(reuse({{"Expires", date(start + 2'592'000)}, {"Date", date(start)}}), Came::cached);
    EXPECT_EQ(of({{"Expires", date(start + 300)}, {"Date", date(start + 100)}}).lifetime, 200);
    EXPECT_EQ(of({{"Expires", date(start + 300)}, {"Date", "foo"}}).lifetime, 300) << "received now";
    EXPECT_EQ(reuse({{"Expires", date(start - 2'592'000)}, {"Date", date(start)}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Expires", date(start)}, {"Date", date(start)}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Expires", date(start + 300)}, {"Date", date(start + 400)}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Expires", date(start + 20)}, {"Date", date(start + 10)}, {"Age", "15"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Expires", date(start + 10)}, {"Date", date(start - 10)}, {"Age", "25"}}), Came::forwarded);
}

TEST_F(Freshness, OfAnExpiresThatIsNoDateIsOver) {
    for (const char* value :
         {"0", "", "never", "Thu, 18 Aug 2050 02:01:18 AEST", "Thu, 18 Aug 50 02:01:18 GMT",
          "Thu 18 Aug 2050 02:01:18 GMT", "Thu, 18 Aug 2050 2:01:18 GMT", "Thu, 18-Aug-2050 02:01:18 GMT"})
        EXPECT_EQ(reuse({{"Expires", value}}), Came::forwarded) << value;
}

TEST_F(Freshness, TakesTheObsoleteDates) {
    EXPECT_EQ(reuse({{"Expires", "Thursday, 18-Aug-50 02:01:18 GMT"}}), Came::cached);
    EXPECT_EQ(reuse({{"Expires", "Thu Aug  8 02:01:18 2050"}}), Came::cached);
}

TEST_F(Freshness, CountsTheAgeThatAResponseCameWith) {
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Age", "7200"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Age", "30"}}), Came::cached);
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=3600"}, {"Date", date(start - 7200)}}), Came::forwarded)
        << "apparent age";
    OneUrl aged;
    aged.store({{"Cache-Control", "max-age=600"}, {"Age", "30"}});
    aged.ask_after(3);
    EXPECT_EQ(aged.reuse.age, 33);
    EXPECT_EQ(aged.reuse.ttl, 567);
    EXPECT_FALSE(aged.has("Age")) << "it is written anew";
}

TEST_F(Freshness, TakesAnAgeThatIsNoneForOld) {
    for (const char* value :
         {"abc", "-7200", "7200.0", "7200,0", "0, 0", "3600, 3600", "7200;foo=bar", "7200;foo=111", ""})
        EXPECT_EQ(reuse({{"Cache-Control", "max-age=10000"}, {"Age", value}}), Came::forwarded) << value;
    EXPECT_EQ(reuse({{"Cache-Control", "max-age=10000"}, {"Age", "0"}, {"Age", "0"}}), Came::forwarded);
    EXPECT_EQ(age_value(OwnedFields{{"Age", "99999999999999999999"}}), longest);
}

TEST_F(Freshness, CountsHowLongTheOriginTook) {
    const OwnedFields fields{{"Cache-Control", "max-age=60"}, {"Age", "5"}, {"Date", date(start)}};
    EXPECT_EQ(freshness(200, fields, response_directives(fields), url.rule, {start - 7, start}).initial_age, 12);
}

TEST_F(Freshness, IsUnknownWhenTheClockWasSetBack) {
    const Metadata metadata = of({{"Cache-Control", "max-age=600000"}});
    EXPECT_EQ(metadata.age(start - 30), 0);
    EXPECT_FALSE(metadata.is_fresh(start - 61)) << "it would stay fresh for who knows how long";
}

TEST_F(Freshness, HasADefaultWhereTheRouteSaysSo) {
    url.rule.default_ttl = 60;
    EXPECT_EQ(of({}).lifetime, 60);
    EXPECT_EQ(of({{"Cache-Control", "max-age=5"}}).lifetime, 5);
    EXPECT_EQ(of({}, 404).lifetime, 60);
    EXPECT_FALSE(of({}, 500).has_lifetime) << "errors of the origin are not kept by default";
    EXPECT_FALSE(of({}, 302).has_lifetime);
    EXPECT_EQ(of({{"Expires", "0"}}).lifetime, 0);
}

TEST_F(Freshness, MayBeOutlastedWhereTheResponseOrTheRouteAllowsIt) {
    url.rule.stale_while_revalidate = 10;
    url.rule.stale_if_error = 20;
    Metadata metadata = of({{"Cache-Control", "max-age=60"}});
    EXPECT_EQ(metadata.stale_while_revalidate, 10);
    EXPECT_EQ(metadata.stale_if_error, 20);
    metadata = of({{"Cache-Control", "max-age=60, stale-while-revalidate=5, stale-if-error=0"}});
    EXPECT_EQ(metadata.stale_while_revalidate, 5);
    EXPECT_EQ(metadata.stale_if_error, 0);
    for (const char* value : {"max-age=2, must-revalidate", "max-age=2, proxy-revalidate", "max-age=2, s-maxage=2"}) {
        metadata = of({{"Cache-Control", value}});
        EXPECT_EQ(metadata.stale_while_revalidate + metadata.stale_if_error, 0) << value;
        EXPECT_TRUE(metadata.must_revalidate) << value;
    }
    metadata = of({{"Cache-Control", "s-maxage=2, stale-if-error=60"}});
    EXPECT_EQ(metadata.stale_if_error, 60) << "the response itself grants it";
    metadata = of({{"Cache-Control", "must-revalidate, max-age=2, stale-if-error=60"}});
    EXPECT_EQ(metadata.stale_if_error, 0);
}

TEST_F(Freshness, OfATargetedFieldLeavesExpiresOut) {
    EXPECT_EQ(
        reuse({{"CDN-Cache-Control", "max-age=1"}, {"Cache-Control", "max-age=3600"}, {"Expires", date(start + 100)}}),
        Came::forwarded);
    EXPECT_EQ(reuse({{"CDN-Cache-Control", "max-age=3600"}, {"Cache-Control", "no-store"}}), Came::cached);
    EXPECT_EQ(reuse({{"CDN-Cache-Control", "max-age=3600;;"}, {"Cache-Control", "no-store"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Surrogate-Control", "max-age=3600"}, {"Expires", date(start - 100)}}), Came::cached);
    EXPECT_EQ(reuse({{"Surrogate-Control", "no-store"}, {"Cache-Control", "max-age=3600"}}), Came::forwarded);
    EXPECT_EQ(reuse({{"Surrogate-Control", "max-age=0"}, {"Expires", date(start + 100)}}), Came::forwarded);
}

} // namespace
} // namespace mpsup::cache
