#include "worker/contract/path_pattern.h"

#include <gtest/gtest.h>

#include <chrono>

namespace mpsup::contract {
namespace {

PathPattern pattern(std::string_view text) {
    auto parsed = PathPattern::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(PathPattern{});
}

bool matches(std::string_view text, std::string_view path) { return pattern(text).matches(path); }
bool covers(std::string_view one, std::string_view other) { return pattern(one).covers(pattern(other)); }

TEST(PathPattern, OfAPrefixIsWhatIsBelowAndTheFolderItself) {
    EXPECT_TRUE(matches("/x/", "/x/a/b"));
    EXPECT_TRUE(matches("/x/", "/x/"));
    EXPECT_TRUE(matches("/x/", "/x"));
    EXPECT_FALSE(matches("/x/", "/xy"));
    EXPECT_FALSE(matches("/x/", "/X/a"));
    EXPECT_TRUE(matches("/", "/anything"));
}

TEST(PathPattern, WithoutASlashAtItsEndIsOnePath) {
    EXPECT_TRUE(matches("/x", "/x"));
    EXPECT_FALSE(matches("/x", "/x/"));
    EXPECT_FALSE(matches("/x", "/x/a"));
}

TEST(PathPattern, OfANameLooksAtTheLastSegment) {
    EXPECT_TRUE(matches("*.php", "/a/b.php"));
    EXPECT_TRUE(matches("*.php", "/.php"));
    EXPECT_FALSE(matches("*.php", "/a.php/b"));
    EXPECT_FALSE(matches("*.php", "/a.phps"));
    EXPECT_TRUE(matches("a*b*c", "/aXbYbZc"));
}

TEST(PathPattern, OfAPathHasStarsWithinSegmentsAndAcrossThem) {
    EXPECT_TRUE(matches("/a/*/b", "/a/x/b"));
    EXPECT_FALSE(matches("/a/*/b", "/a/x/y/b"));
    EXPECT_TRUE(matches("/a/**/b", "/a/x/y/b"));
    EXPECT_TRUE(matches("/a/**/*.css", "/a/x/y/z.css"));
    EXPECT_FALSE(matches("/a/**/*.css", "/a/x/y/z.css/q"));
    EXPECT_TRUE(matches("/a/*/", "/a/x/anything/below"));
    EXPECT_TRUE(matches("/**/x*y/z", "/q/xz/x1y/z")) << "the second try of the wide star";
    EXPECT_FALSE(matches("/a/*/", "/a/x"));
}

TEST(PathPattern, TakesNoTimeWhateverAClientSends) {
    const auto heavy = pattern("/**a*a*a*a*a*a*a*b");
    const auto before = std::chrono::steady_clock::now();
    EXPECT_FALSE(heavy.matches("/" + std::string(8'000, 'a')));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST(PathPattern, CoversWhatItSurelyMatchesToo) {
    EXPECT_TRUE(covers("/", "*.php"));
    EXPECT_TRUE(covers("/x/", "/x"));
    EXPECT_TRUE(covers("/x/", "/x/y/"));
    EXPECT_TRUE(covers("/x/", "/x/*/b"));
    EXPECT_TRUE(covers("*.php", "/a/b.php"));
    EXPECT_TRUE(covers("*", "*.php"));
    EXPECT_FALSE(covers("/x/", "/y/"));
    EXPECT_FALSE(covers("/x/", "/"));
    EXPECT_FALSE(covers("/x/", "*.php"));
    EXPECT_FALSE(covers("/x/", "/x*"));
    EXPECT_FALSE(covers("*.php", "/a/"));
}

TEST(PathPattern, IsRefusedWhenNoPathCouldMatchIt) {
    for (const char* bad : {"", "x", "x/", "a/*.php", "//", "/a//b", "/a/../b", "/a/.", "/a?b", "/a#b", "/a;b", "/a\n",
                            "/a\\b", "/*****************"})
        EXPECT_FALSE(PathPattern::parse(bad)) << bad;
    EXPECT_FALSE(PathPattern::parse("/" + std::string(1024, 'a')));
}

} // namespace
} // namespace mpsup::contract
