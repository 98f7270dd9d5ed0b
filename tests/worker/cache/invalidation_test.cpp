#include "worker/cache/invalidation.h"

#include "tests/worker/cache/messages.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

std::vector<std::string> erased_by(std::string_view method, int status, const OwnedFields& response = {}) {
    http::Request request = get();
    request.method = method;
    std::vector<std::string> urls;
    for (const CacheKey& key : invalidated(read_request(request, false, caching()), status, response))
        urls.emplace_back(key.text());
    return urls;
}
using Urls = std::vector<std::string>;

TEST(Invalidation, FollowsAnUnsafeRequestThatSucceeds) {
    for (const char* method : {"POST", "PUT", "DELETE", "M-SEARCH"}) {
        EXPECT_EQ(erased_by(method, 200), (Urls{"http://example.org/p"})) << method;
        EXPECT_EQ(erased_by(method, 303), (Urls{"http://example.org/p"})) << method;
        EXPECT_EQ(erased_by(method, 500), Urls{}) << method;
        EXPECT_EQ(erased_by(method, 404), Urls{}) << method;
    }
    EXPECT_EQ(erased_by("GET", 200, {{"Location", "/x"}}), Urls{});
    EXPECT_EQ(erased_by("OPTIONS", 200), Urls{});
}

TEST(Invalidation, ReachesLocationAndContentLocationOfTheSameOrigin) {
    EXPECT_EQ(erased_by("POST", 201, {{"Location", "/a"}, {"Content-Location", "b?c"}}),
              (Urls{"http://example.org/p", "http://example.org/a", "http://example.org/b?c"}));
    EXPECT_EQ(erased_by("POST", 201, {{"Location", "http://EXAMPLE.org:80/a"}}),
              (Urls{"http://example.org/p", "http://example.org/a"}));
    for (const char* other :
         {"http://other.org/a", "https://example.org/a", "//other.org/a", "mailto:x@y", "http://example.org:81/a"})
        EXPECT_EQ(erased_by("POST", 201, {{"Location", other}}), (Urls{"http://example.org/p"})) << other;
}

TEST(Resolve, IsAsInRfc3986) {
    const CacheKey base("http", "a", "/b/c/d;p", "q", true);
    const std::pair<const char*, const char*> cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {";x", "http://a/b/c/;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"http://x/../y", "http://x/y"},
        {"ftp://x/", ""},
        {"g:h", ""},
    };
    for (const auto& [reference, expected] : cases) EXPECT_EQ(resolve(base, reference).text(), expected) << reference;
}

} // namespace
} // namespace mpsup::cache
