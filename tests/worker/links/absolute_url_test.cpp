#include "worker/links/absolute_url.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

std::string resolved(const char* base, const char* reference) {
    const auto url = resolve(parse_url(base).value(), reference);
    return url ? url->text() : "nowhere";
}

TEST(AbsoluteUrl, IsReadAndWritten) {
    EXPECT_EQ(parse_url("HTTP://Shop.example:80/a/../b?q#f")->text(), "http://shop.example/b?q");
    EXPECT_EQ(parse_url("https://[::1]:8443")->text(), "https://[::1]:8443/");
    EXPECT_EQ(parse_url("https://h:443/")->origin(), "https://h");
    for (const char* const none :
         {"", "/a", "ftp://h/", "http://", "http://h:x/", "http://h:99999/", "http://[::1/", "mailto:a@b"})
        EXPECT_FALSE(parse_url(none)) << none;
}

TEST(AbsoluteUrl, ResolvesReferencesAsBrowsersDo) {
    constexpr auto base = "http://h:8080/a/b?q";
    EXPECT_EQ(resolved(base, "c"), "http://h:8080/a/c");
    EXPECT_EQ(resolved(base, "../c?d#e"), "http://h:8080/c?d");
    EXPECT_EQ(resolved(base, "/x"), "http://h:8080/x");
    EXPECT_EQ(resolved(base, "?again"), "http://h:8080/a/b?again");
    EXPECT_EQ(resolved(base, "//other/x"), "http://other/x");
    EXPECT_EQ(resolved(base, " ./ "), "http://h:8080/a/");
    EXPECT_EQ(resolved(base, "https://h/"), "https://h/");
    EXPECT_EQ(resolved(base, "a b\xc3\xa9?\"x\""), "http://h:8080/a/a%20b%C3%A9?%22x%22");
    for (const char* const nowhere : {"", "#top", "mailto:a@b", "javascript:void(0)", "data:,x"})
        EXPECT_EQ(resolved(base, nowhere), "nowhere") << nowhere;
}

} // namespace
} // namespace mpsup::links
