#include "worker/cache/cache_control.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

Directives parse(const std::string& value) { return parse_cache_control(OwnedFields{{"Cache-Control", value}}); }
Directives parse_cdn(const std::string& value) {
    return parse_cdn_cache_control(OwnedFields{{"CDN-Cache-Control", value}});
}
Directives parse_surrogate(const std::string& value) {
    return parse_surrogate_control(OwnedFields{{"Surrogate-Control", value}});
}

TEST(CacheControl, KnowsEachDirectiveInAnyCase) {
    const Directives said =
        parse("No-StOrE, no-cache,PUBLIC ,\tprivate, must-revalidate, proxy-revalidate, must-understand, "
              "only-if-cached, MaX-aGe=1, s-maxage=2, stale-while-revalidate=3, stale-if-error=4, "
              "min-fresh=5, max-stale=6, immutable, foobar, foo=bar");
    EXPECT_TRUE(said.present && said.no_store && said.no_cache && said.is_public && said.is_private &&
                said.must_revalidate && said.proxy_revalidate && said.must_understand && said.only_if_cached);
    EXPECT_EQ(said.max_age, 1);
    EXPECT_EQ(said.s_maxage, 2);
    EXPECT_EQ(said.stale_while_revalidate, 3);
    EXPECT_EQ(said.stale_if_error, 4);
    EXPECT_EQ(said.min_fresh, 5);
    EXPECT_EQ(said.max_stale, 6);
    EXPECT_FALSE(said.max_stale_any);
}

TEST(CacheControl, IsAbsentWithoutTheField) {
    const Directives said = parse_cache_control(OwnedFields{{"Expires", "0"}});
    EXPECT_FALSE(said.present || said.no_store || said.max_age);
}

TEST(CacheControl, TakesQuotedNumbers) {
    EXPECT_EQ(parse("max-age=\"3600\"").max_age, 3600);
    EXPECT_EQ(parse("extension=\"max-age=3600\", max-age=\"1\"").max_age, 1);
    EXPECT_EQ(parse("max-age=003600").max_age, 3600);
}

TEST(CacheControl, DoesNotLookIntoQuotedStringsOfOthers) {
    EXPECT_EQ(parse("extension=\"max-age=3600\", max-age=1").max_age, 1);
    EXPECT_EQ(parse("extension=\"a\\\", max-age=3600\"").max_age, std::nullopt);
    EXPECT_FALSE(parse("extension=\"no-store").no_store) << "not even when it has no end";
}

TEST(CacheControl, TakesWhatIsNoNumberForStale) {
    for (const char* value : {"max-age=a3600", "max-age=3600a", "max-age=3600.0", "max-age=-3600", "max-age=+1",
                              "max-age=", "max-age", "max-age='3600'", "max-age =3600", "max-age= 3600",
                              "max-age=\"3600", "max-age=\"36\"00", "max-age=36 00", "max-age=\""})
        EXPECT_EQ(parse(value).max_age, 0) << value;
}

TEST(CacheControl, CountsWhatOverflowsAsVeryLong) {
    EXPECT_EQ(parse("max-age=2147483647").max_age, 2147483647);
    EXPECT_EQ(parse("max-age=2147483649").max_age, longest);
    EXPECT_EQ(parse("max-age=99999999999999999999999999999999999").max_age, longest);
}

TEST(CacheControl, TakesTheFirstOfTwo) {
    EXPECT_EQ(parse("max-age=3600, max-age=1").max_age, 3600);
    const OwnedFields lines{{"Cache-Control", "max-age=1"}, {"cache-control", "max-age=1800, no-store"}};
    EXPECT_EQ(parse_cache_control(lines).max_age, 1);
    EXPECT_TRUE(parse_cache_control(lines).no_store);
}

TEST(CacheControl, KeepsTheNamesOfFields) {
    const OwnedFields fields{{"Cache-Control", "no-cache=\"a, B\", private=\"Set-Cookie\""}};
    const Directives said = parse_cache_control(fields);
    EXPECT_FALSE(said.no_cache || said.is_private);
    EXPECT_TRUE(names_field(said.no_cache_names, "b") && names_field(said.no_cache_names, "A"));
    EXPECT_FALSE(names_field(said.no_cache_names, "c"));
    EXPECT_TRUE(names_field(said.private_names, "set-cookie"));
    EXPECT_TRUE(parse("private=\"\"").is_private);
    EXPECT_TRUE(parse("private=\"a\", private").is_private);
    EXPECT_TRUE(parse("private=\"a\", private=\"b\"").is_private) << "two lists are more than it keeps";
    EXPECT_TRUE(parse("no-cache=\"a").no_cache) << "malformed";
}

TEST(CacheControl, MaxStaleMayHaveNoLimit) {
    EXPECT_TRUE(parse("max-stale").max_stale_any);
    EXPECT_EQ(parse("max-stale=10").max_stale, 10);
    EXPECT_FALSE(parse("max-stale=10").max_stale_any);
}

TEST(CdnCacheControl, IsAStructuredField) {
    const Directives said =
        parse_cdn("max-age=600, no-cache;x=1, private=?0, s-maxage=\"5\", foo=(a b);q=1, must-revalidate");
    EXPECT_TRUE(said.present);
    EXPECT_EQ(said.max_age, 600);
    EXPECT_TRUE(said.no_cache && said.must_revalidate);
    EXPECT_FALSE(said.is_private) << "false";
    EXPECT_EQ(said.s_maxage, std::nullopt) << "of another type: ignored";
    EXPECT_EQ(parse_cdn("max-age=1, max-age=600").max_age, 600) << "the last counts";
    EXPECT_EQ(parse_cdn("max-age=-5").max_age, std::nullopt);
}

TEST(CdnCacheControl, IsIgnoredWholeWhenMalformed) {
    for (const char* value : {"", "max-age=600,", "Max-Age=600", "max-age =600", "max-age= 600", "max-age=600 no-store",
                              "max-age=\"600", "max-age=9999999999999999", "max-age=600, a=", "no-store, =1", "a=:b",
                              "a=?2", "a=(b", "a=\"\\x\"", "max-age=1.0000", "max-age=600;", "no-store,,max-age=1"})
        EXPECT_FALSE(parse_cdn(value).present) << value;
    const OwnedFields lines{{"CDN-Cache-Control", "no-store"}, {"CDN-Cache-Control", "max-age=60;;"}};
    EXPECT_FALSE(parse_cdn_cache_control(lines).no_store);
}

TEST(SurrogateControl, HasMaxAgeAndNoStore) {
    EXPECT_EQ(parse_surrogate("max-age=3600").max_age, 3600);
    EXPECT_EQ(parse_surrogate("foobar, MaX-aGe=99999999999").max_age, longest);
    EXPECT_EQ(parse_surrogate("max-age=3600+600").stale_while_revalidate, 600);
    EXPECT_TRUE(parse_surrogate("no-store").no_store);
    EXPECT_FALSE(parse_surrogate("content=\"ESI/1.0\"").present);
    EXPECT_FALSE(parse_surrogate("max-age =100").present);
    EXPECT_FALSE(parse_surrogate("max-age= 100").present);
}

TEST(SurrogateControl, IsForUsIfItSaysSo) {
    EXPECT_FALSE(parse_surrogate("max-age=3600;not-for-you").present);
    EXPECT_EQ(parse_surrogate("max-age=3600;mpsup").max_age, 3600);
    EXPECT_EQ(parse_surrogate("max-age=1, max-age=3600;mpsup").max_age, 3600) << "what is meant for us comes first";
    EXPECT_EQ(parse_surrogate("max-age=3600;mpsup, max-age=1").max_age, 3600);
}

TEST(ResponseDirectives, AreThoseOfTheMostSpecificField) {
    OwnedFields fields{{"Cache-Control", "no-store"}};
    EXPECT_TRUE(response_directives(fields).no_store);
    EXPECT_FALSE(response_directives(fields).is_targeted);
    fields.add("Surrogate-Control", "max-age=10");
    EXPECT_FALSE(response_directives(fields).no_store);
    EXPECT_EQ(response_directives(fields).max_age, 10);
    fields.add("CDN-Cache-Control", "max-age=20");
    EXPECT_EQ(response_directives(fields).max_age, 20);
    EXPECT_TRUE(response_directives(fields).is_targeted);
}

} // namespace
} // namespace mpsup::cache
