#include "worker/cache/vary.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

// Is a response to `stored` one for `asked`?
bool matches(const std::string& vary, const OwnedFields& stored, const OwnedFields& asked,
             std::string_view language = {}) {
    const auto text = variant_text(OwnedFields{{"Vary", vary}}, stored);
    return text && variant_matches(*text, asked, language);
}

TEST(Vary, SelectsByTheFieldsThatAreNamed) {
    EXPECT_TRUE(matches("Foo", {{"Foo", "1"}, {"Other", "2"}}, {{"foo", "1"}, {"Other", "3"}}));
    EXPECT_FALSE(matches("Foo", {{"Foo", "1"}}, {{"Foo", "2"}}));
    EXPECT_FALSE(matches("Foo", {}, {{"Foo", "1"}}));
    EXPECT_FALSE(matches("Foo", {{"Foo", "1"}}, {}));
    EXPECT_FALSE(matches("Foo", {{"Foo", ""}}, {})) << "empty is not absent";
    EXPECT_TRUE(matches("Foo", {}, {}));
    EXPECT_FALSE(matches("Foo", {{"Foo", "a"}}, {{"Foo", "A"}})) << "who knows what case means in it";
}

TEST(Vary, NeedsAllOfThem) {
    const OwnedFields three{{"Foo", "1"}, {"Bar", "abc"}, {"Baz", "789"}};
    EXPECT_TRUE(matches("Foo, Bar, Baz", three, three));
    EXPECT_FALSE(matches("Foo, Bar, Baz", three, {{"Foo", "2"}, {"Bar", "abc"}, {"Baz", "789"}}));
    EXPECT_FALSE(matches("Foo, Bar", {{"Foo", "1"}}, {}));
    EXPECT_TRUE(matches("Foo, Bar, Baz", {{"Foo", "1"}, {"Baz", "789"}}, {{"Foo", "1"}, {"Baz", "789"}}));
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", "b, A"}, {"Vary", "a"}}, three), "a\nb\n");
}

TEST(Vary, OnEverythingMatchesNothing) {
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", "*"}}, {}), std::nullopt);
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", "Foo, *"}}, {}), std::nullopt);
    EXPECT_EQ(variant_text(OwnedFields{}, {}), "");
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", "a:b"}}, {}), std::nullopt);
    std::string many;
    for (int i = 0; i < 17; ++i) many += "f" + std::to_string(i) + ",";
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", many}}, {}), std::nullopt);
}

TEST(Vary, CannotBeJudgedByWhatClientsSentInThePlaceOfOurOwnFields) {
    for (const char* ours :
         {"Forwarded", "Via", "X-Forwarded-For", "x-forwarded-port", "X-Real-IP", "X-Request-Id", "X-Request-Start"})
        EXPECT_EQ(variant_text(OwnedFields{{"Vary", std::string("Foo, ") + ours}}, {}), std::nullopt) << ours;
}

TEST(Vary, LeavesOutWhatFollowsFromTheKey) {
    EXPECT_EQ(variant_text(OwnedFields{{"Vary", "X-Forwarded-Proto, X-Forwarded-Host"}}, {}), "");
    EXPECT_TRUE(matches("X-Forwarded-Proto, Foo", {{"Foo", "1"}}, {{"Foo", "1"}, {"X-Forwarded-Proto", "ftp"}}));
}

TEST(Vary, JoinsLinesAndDropsWhiteSpaceAroundCommas) {
    EXPECT_TRUE(matches("Foo", {{"Foo", "1, 2"}}, {{"Foo", "1"}, {"Foo", "2"}}));
    EXPECT_TRUE(matches("Foo", {{"Foo", "1,2"}}, {{"Foo", "1,\t2"}}));
    EXPECT_FALSE(matches("Foo", {{"Foo", "\"1,2\""}}, {{"Foo", "\"1, 2\""}})) << "not within quotes";
    EXPECT_FALSE(matches("Foo", {{"Foo", "1,2"}}, {{"Foo", "2,1"}})) << "who knows what order means in it";
}

TEST(Vary, KnowsThatOrderAndCaseOfPreferencesMeanNothing) {
    EXPECT_TRUE(matches("Accept-Language", {{"Accept-Language", "en, de"}}, {{"Accept-Language", "De,eN"}}));
    EXPECT_TRUE(
        matches("Accept-Encoding", {{"Accept-Encoding", "gzip, br"}}, {{"Accept-Encoding", "br;q=1.0,gzip ; q=1"}}));
    EXPECT_FALSE(matches("Accept-Encoding", {{"Accept-Encoding", "gzip"}}, {{"Accept-Encoding", "gzip;q=0"}}));
    EXPECT_FALSE(matches("Accept-Encoding", {{"Accept-Encoding", "gzip"}}, {{"Accept-Encoding", "gzip;q=0.1"}}));
}

TEST(Vary, SelectsTheLanguageThatARequestLikesBest) {
    const OwnedFields stored{{"Accept-Language", "en, de"}};
    EXPECT_TRUE(matches("Accept-Language", stored, {{"Accept-Language", "fr;q=0.5, de;q=1.0"}}, "de"));
    EXPECT_FALSE(matches("Accept-Language", stored, {{"Accept-Language", "fr;q=0.5, de;q=0.4"}}, "de"));
    EXPECT_FALSE(matches("Accept-Language", stored, {{"Accept-Language", "fr, de"}}, "de")) << "it likes both";
    EXPECT_FALSE(matches("Accept-Language", stored, {{"Accept-Language", "de, fr"}}, "de"));
    EXPECT_FALSE(matches("Accept-Language", stored, {}, "de"));
    EXPECT_FALSE(matches("Accept-Language", stored, {{"Accept-Language", "de;q=0"}}, "de"));
}

TEST(Vary, StandsLongLists) {
    std::string list;
    for (int i = 0; i < 200; ++i) list += "l" + std::to_string(i) + ",";
    EXPECT_TRUE(matches("Accept-Language", {{"Accept-Language", list}}, {{"Accept-Language", list}}));
}

} // namespace
} // namespace mpsup::cache
