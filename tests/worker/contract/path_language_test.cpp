// Which patterns hold which, compared with what they say of every short path.
#include "worker/contract/path_language.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace mpsup::contract {
namespace {

PathPattern pattern(std::string_view text) {
    auto parsed = PathPattern::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(PathPattern{});
}

bool covers(std::string_view outer, std::string_view inner) { return pattern(outer).covers(pattern(inner)); }

// All texts of these letters up to that length.
std::vector<std::string> texts(std::string_view letters, std::size_t longest) {
    std::vector<std::string> all{""};
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (all[i].size() == longest) continue;
        for (const char c : letters) all.push_back(all[i] + c);
    }
    return all;
}

bool is_normal(const std::string& path) {
    if (!path.starts_with('/') || path.contains("//")) return false;
    const std::string closed = path + "/";
    return !closed.contains("/./") && !closed.contains("/../");
}

std::vector<std::string> normal_paths(std::string_view letters, std::size_t longest) {
    auto paths = texts(letters, longest);
    std::erase_if(paths, [](const std::string& path) { return !is_normal(path); });
    return paths;
}

std::vector<PathPattern> patterns(std::string_view letters, std::size_t longest) {
    std::vector<PathPattern> all;
    for (const std::string& text : texts(letters, longest))
        if (auto parsed = PathPattern::parse(text)) all.push_back(*parsed);
    return all;
}

// Bit i: does it match the path i?
std::vector<bool> matched(const PathPattern& each, const std::vector<std::string>& paths) {
    std::vector<bool> bits;
    for (const std::string& path : paths) bits.push_back(each.matches(path));
    return bits;
}

bool is_part(const std::vector<bool>& part, const std::vector<bool>& whole) {
    for (std::size_t i = 0; i < part.size(); ++i)
        if (part[i] && !whole[i]) return false;
    return true;
}

// A path that tells two patterns of at most five characters apart, if there is one, is short: each letter of both may have to
// be there, something for each star, and one letter that none of them names.
TEST(PathLanguage, HoldsAnotherOneJustWhenEveryPathOfThatIsAMatch) {
    const auto all = patterns("a/*.", 4);
    const auto paths = normal_paths("ab/.", 7);
    std::vector<std::vector<bool>> bits;
    for (const PathPattern& each : all) bits.push_back(matched(each, paths));
    std::size_t held = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        for (std::size_t k = 0; k < all.size(); ++k) {
            const bool covered = all[i].covers(all[k]);
            held += covered && i != k ? 1 : 0;
            ASSERT_EQ(covered, is_part(bits[k], bits[i])) << all[i].text << " and " << all[k].text;
        }
    EXPECT_GT(all.size(), 90U);
    EXPECT_GT(held, 1000U);
}

TEST(PathLanguage, NeverHoldsOneThatMatchesMore) {
    const auto outer = patterns("a/*", 5);
    const auto inner = patterns("a/*", 6);
    const auto paths = normal_paths("ab/", 6);
    std::vector<std::vector<bool>> bits;
    for (const PathPattern& each : inner) bits.push_back(matched(each, paths));
    for (const PathPattern& one : outer) {
        const auto ours = matched(one, paths);
        for (std::size_t i = 0; i < inner.size(); ++i)
            ASSERT_TRUE(is_part(bits[i], ours) || !one.covers(inner[i])) << one.text << " and " << inner[i].text;
    }
}

TEST(PathLanguage, FindsWhatIsHiddenBehindAnEarlierGlob) {
    EXPECT_TRUE(covers("*.php", "/x/*.php"));
    EXPECT_TRUE(covers("*.php", "/x/**.php"));
    EXPECT_TRUE(covers("/x/*.php", "/x/a*.php"));
    EXPECT_TRUE(covers("/**.php", "*.php"));
    EXPECT_TRUE(covers("/**", "*.php"));
    EXPECT_TRUE(covers("/x/**", "/x/*/y"));
    EXPECT_TRUE(covers("/*/", "/x/y/")) << "/x/y alone too";
    EXPECT_TRUE(covers("*", "/a/"));
    EXPECT_TRUE(covers("*a*", "*aa*"));
    EXPECT_TRUE(covers("/a/**/b/", "/a/x/b/**/c"));
}

TEST(PathLanguage, LeavesAloneWhatCanStillBeReached) {
    EXPECT_FALSE(covers("/x/*.php", "*.php"));
    EXPECT_FALSE(covers("*.php", "/x/*.php*"));
    EXPECT_FALSE(covers("*.php", "/x.php/")) << "and all below it";
    EXPECT_FALSE(covers("/x/*", "/x/**"));
    EXPECT_FALSE(covers("/x/*/", "/x/a/")) << "/x/a itself";
    EXPECT_FALSE(covers("/*/", "/x/")) << "/x alone is not below /*/";
    EXPECT_FALSE(covers("/a/**/b", "/a/b"));
    EXPECT_FALSE(covers("*aa*", "*a*"));
}

TEST(PathLanguage, IsComparedInBoundedTime) {
    const auto before = std::chrono::steady_clock::now();
    std::string one = "/";
    std::string other = "/";
    for (int i = 0; i < 5; ++i) {
        one += "**a*aab" + std::string(50, 'a');
        other += "*aa**b" + std::string(50, 'a');
    }
    static_cast<void>(covers(one, other));
    static_cast<void>(covers(other, one));
    EXPECT_TRUE(covers("/**" + std::string(900, 'a'), "/**" + std::string(950, 'a')));
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

} // namespace
} // namespace mpsup::contract
