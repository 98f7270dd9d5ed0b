#include "worker/static/freshness.h"

#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

using Kind = contract::ExpiresRule::Kind;

contract::ExpiresRule rule(std::string_view pattern, std::chrono::seconds age, Kind kind = Kind::max_age) {
    return {*contract::PathPattern::parse(pattern), age, kind};
}

TEST(Freshness, IsWhatTheFirstRuleSays) {
    contract::Files files;
    files.expires = {rule("/img/old/*", {}, Kind::off), rule("/img/", std::chrono::hours(24)),
                     rule("*.woff2", {}, Kind::immutable), rule("*.html", {})};
    EXPECT_EQ(cache_control(files, "/img/a.png"), "max-age=86400");
    EXPECT_EQ(cache_control(files, "/img/old/a.png"), "") << "said to be nothing";
    EXPECT_EQ(cache_control(files, "/fonts/a.woff2"), "max-age=31536000, immutable");
    EXPECT_EQ(cache_control(files, "/deep/down/index.html"), "no-cache");
    EXPECT_EQ(cache_control(files, "/a.txt"), "");
}

TEST(Freshness, IsAYearForNamesThatHoldADigestWhereThatIsWanted) {
    contract::Files files;
    EXPECT_EQ(cache_control(files, "/app-3f9a8b2c.css"), "") << "off unless it is asked for";
    files.fingerprinted = true;
    EXPECT_EQ(cache_control(files, "/app-3f9a8b2c.css"), "max-age=31536000, immutable");
    EXPECT_EQ(cache_control(files, "/app.css"), "");
    files.expires = {rule("/app-*", std::chrono::seconds(5))};
    EXPECT_EQ(cache_control(files, "/app-3f9a8b2c.css"), "max-age=5") << "rules go first";
}

TEST(Fingerprint, IsADigestBetweenANameAndAnEnding) {
    for (const char* path : {"/app-3f9a8b2c.css", "/app.3f9a8b2c1d.js", "/a/b/app_DEADBEEF1.min.js",
                             "/main.3f9a8b2c.css.map", "/logo-9e107d9d372bb6826bd81d3542a419d6.png"})
        EXPECT_TRUE(is_fingerprinted(path)) << path;
    for (const char* path : {"/app.css", "/report-20240131.pdf", "/20240131.1234567890.log", "/deadbeef.css",
                             "/3f9a8b2c.css", "/app-3f9a8b2.css", "/app-deadbeef.css", "/app-3f9a8b2c",
                             "/app-3f9a8b2cz.css", "/3f9a8b2c/app.css", "/x-3f9a8b2c-y", "", "/", "/.3f9a8b2c"})
        EXPECT_FALSE(is_fingerprinted(path)) << path;
    EXPECT_FALSE(is_fingerprinted("/a-1a" + std::string(63, 'b') + ".js")) << "too long for a digest";
}

} // namespace
} // namespace mpsup::static_files
