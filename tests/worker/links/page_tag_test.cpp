#include "worker/links/page_tag.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

const PageTag tag("l3fa9b2");

TEST(PageTag, SaysByWhichMapAPageWasMade) {
    EXPECT_EQ(tag.marked("\"v1\""), "W/\"v1-l3fa9b2s\"");
    EXPECT_EQ(tag.marked("W/\"v1\""), "W/\"v1-l3fa9b2w\"");
    EXPECT_EQ(tag.marked("\"\""), "W/\"-l3fa9b2s\"");
    for (const char* none : {"", "v1", "\"", "W/", "\"a", "\"a\"b", "\"a\", \"b\"", "w/\"a\""})
        EXPECT_EQ(tag.marked(none), "") << none;
}

TEST(PageTag, ComesBackAsTheApplicationMadeIt) {
    for (const char* own : {"\"v1\"", "W/\"v1\"", "\"\"", "\"a,b\"", "\"x-l000000s\""})
        EXPECT_EQ(tag.unmarked(tag.marked(own)), own);
    EXPECT_EQ(tag.unmarked("\"a\", W/\"v1-l3fa9b2s\" ,W/\"v2-l3fa9b2w\""), "\"a\", \"v1\", W/\"v2\"");
}

TEST(PageTag, OfAnotherMapIsNoConditionOfTheApplication) {
    EXPECT_EQ(tag.unmarked("W/\"v1-l000000s\""), "");
    EXPECT_EQ(tag.unmarked("W/\"v1-l000000s\", \"a\""), "\"a\"");
}

TEST(PageTag, IsLookedForInWhateverClientsSend) {
    for (const char* list : {"", "*", "\"v1\"", "W/\"v1\"", "W/\"v1-l3fa9b2\"", "\"v1-l3fa9b2s\"", "W/\"v1-l3fa9b2x\"",
                             "W/\"v1-l3FA9B2s\"", "W/\"v1-l3fa9b2s", "W/", "W", "\"", "W/\"l3fa9b2s\""})
        EXPECT_EQ(tag.unmarked(list), std::nullopt) << list;
}

TEST(PageTag, IsNamedAsTheClientHasIt) {
    EXPECT_EQ(tag.as_asked("\"a\", W/\"v1-l3fa9b2s\"", "\"v1\""), "W/\"v1-l3fa9b2s\"");
    EXPECT_EQ(tag.as_asked("W/\"v1-l3fa9b2s\"", "W/\"v1\""), "W/\"v1-l3fa9b2s\"") << "compared weakly";
    EXPECT_EQ(tag.as_asked("W/\"v1-l000000s\"", "\"v1\""), "");
    EXPECT_EQ(tag.as_asked("\"v1\"", "\"v1\""), "");
}

} // namespace
} // namespace mpsup::links
