#include "worker/cache/cache_key.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

TEST(CacheKey, IsSchemeHostPathAndQuery) {
    EXPECT_EQ(CacheKey("http", "example.org", "/a/b", "x=1", true).text(), "http://example.org/a/b?x=1");
    EXPECT_EQ(CacheKey("https", "example.org", "/", "", false).text(), "https://example.org/");
    EXPECT_EQ(CacheKey("https", "example.org", "/", "", true).text(), "https://example.org/?");
    EXPECT_EQ(CacheKey("https", "example.org:8443", "/", "", false).origin(), "https://example.org:8443");
}

// faults.md no. 68
TEST(CacheKey, Fault68HostsAreTheSameInAnyCaseAndWithTheDefaultPort) {
    const CacheKey plain("http", "example.org", "/", "", false);
    EXPECT_EQ(CacheKey("http", "EXAMPLE.org", "/", "", false).text(), plain.text());
    EXPECT_EQ(CacheKey("http", "example.org:80", "/", "", false).text(), plain.text());
    EXPECT_NE(CacheKey("http", "example.org:443", "/", "", false).text(), plain.text());
    EXPECT_NE(CacheKey("https", "example.org", "/", "", false).text(), plain.text());
    EXPECT_NE(CacheKey("http", "example.org:8080", "/", "", false).text(), plain.text());
}

TEST(CacheKey, Fault68PathAndQueryAreTakenAsTheyCame) {
    const auto key = [](std::string_view path, std::string_view query = {}) {
        return std::string(CacheKey("http", "h", path, query, true).text());
    };
    EXPECT_NE(key("/A"), key("/a"));
    EXPECT_NE(key("/%61"), key("/a"));
    EXPECT_NE(key("//a"), key("/a"));
    EXPECT_NE(key("/a/../b"), key("/b"));
    EXPECT_NE(key("/", "a=1&a=2"), key("/", "a=2&a=1"));
    EXPECT_NE(key("/", "utm_source=x"), key("/"));
}

TEST(CacheKey, MayBeLong) {
    const std::string path = "/" + std::string(5000, 'x');
    const CacheKey key("http", "h", path, "", false);
    EXPECT_EQ(key.text(), "http://h" + path);
    const CacheKey copy = key; // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
    EXPECT_EQ(copy.text(), key.text());
}

TEST(CacheKey, IsReadFromAUrl) {
    EXPECT_EQ(CacheKey::of_url("HTTPS://Example.org:443/a?b#c").text(), "https://example.org/a?b");
    EXPECT_EQ(CacheKey::of_url("http://example.org").text(), "http://example.org/");
    EXPECT_EQ(CacheKey::of_url("http://example.org?q").text(), "http://example.org/?q");
    for (const char* url : {"", "/a", "ftp://example.org/", "http://", "http://a b/", "example.org/"})
        EXPECT_TRUE(CacheKey::of_url(url).empty()) << url;
}

} // namespace
} // namespace mpsup::cache
