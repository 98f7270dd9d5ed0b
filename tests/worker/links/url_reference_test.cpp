#include "worker/links/url_reference.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

UrlReference parts(std::string_view text) { return split_reference(text).reference.value_or(UrlReference{}); }
std::string path(std::string_view text) { return parts(text).path; }
ReferenceFault fault(std::string_view text) {
    const SplitReference split = split_reference(text);
    EXPECT_FALSE(split.reference) << text;
    return split.fault;
}

TEST(UrlReference, IsSplitIntoItsParts) {
    const std::string_view text = "HTTP://Example.org:8080/a/b?c#d";
    const UrlReference all = parts(text);
    EXPECT_EQ(all.scheme, "http");
    EXPECT_EQ(all.authority, "Example.org:8080");
    EXPECT_EQ(all.path, "/a/b");
    EXPECT_EQ(text.substr(all.tail), "?c#d");
    EXPECT_EQ(parts("//host").authority, "host");
    EXPECT_EQ(parts("//host?x").authority, "host");
    EXPECT_EQ(path("a:b/c"), "");
    EXPECT_EQ(path("./a:b"), "./a:b");
    EXPECT_EQ(path("1:b"), "1:b"); // no scheme begins so
    EXPECT_EQ(path("?a/b"), "");
    EXPECT_EQ(path("a#b?c"), "a");
}

TEST(UrlReference, HasNoSpaceAroundIt) {
    const std::string_view text = " \n\f a?b\t ";
    const UrlReference all = parts(text);
    EXPECT_EQ(all.begin, 4U);
    EXPECT_EQ(all.tail, 5U);
    EXPECT_EQ(parts("a \n").tail, 1U);
}

TEST(UrlReference, IsReadAsBrowsersReadIt) {
    EXPECT_EQ(path("\\a\\b?\\"), "/a/b");
    EXPECT_EQ(parts("\\/host\\a").authority, "host");
    EXPECT_EQ(path("/st\nat\tic/"), "/static/");
    EXPECT_EQ(parts("ht\ntp://host/").scheme, "http");
    EXPECT_EQ(path("a b"), "a b");
}

TEST(UrlReference, IsNoneWithAReason) {
    for (const char* text : {"", "  ", "#", "#a/b", " \n#x"}) EXPECT_EQ(fault(text), ReferenceFault::nowhere) << text;
    for (const char* text : {"mailto:a@b", "data:text/plain,/static/", "JavaScript:x('/static/')", "http:a", "http:/a",
                             "java\nscript:x", "tel:1"})
        EXPECT_EQ(fault(text), ReferenceFault::scheme) << text;
    for (const char* text :
         {"//", "///static/", "http:///a", "//user@host/", "/\n/host/", "//ho\tst/", "a\x01", "/\x0b/"})
        EXPECT_EQ(fault(text), ReferenceFault::octets) << text;
    EXPECT_EQ(fault(std::string_view("a\0b", 3)), ReferenceFault::octets);
}

// RFC 3986 section 5.4, as far as its paths go.
TEST(UrlReference, LosesItsDotSegments) {
    EXPECT_EQ(without_dot_segments("/a/b/c/./../../g"), "/a/g");
    EXPECT_EQ(without_dot_segments("/../../a"), "/a");
    EXPECT_EQ(without_dot_segments("/a/.."), "/");
    EXPECT_EQ(without_dot_segments("/a/b/."), "/a/b/");
    EXPECT_EQ(without_dot_segments("/a/b/.."), "/a/");
    EXPECT_EQ(without_dot_segments("/"), "/");
    EXPECT_EQ(without_dot_segments("/.a/..b/c."), "/.a/..b/c.");
    EXPECT_EQ(without_dot_segments("/a/%2e%2E/.%2e/b"), "/b");
    EXPECT_EQ(without_dot_segments("/a/.../b"), "/a/.../b");
    EXPECT_EQ(without_dot_segments("/a//../b"), "/a/b");
    EXPECT_EQ(without_dot_segments("/a/..//b"), "//b");
    EXPECT_EQ(without_dot_segments("//"), "//");
}

} // namespace
} // namespace mpsup::links
