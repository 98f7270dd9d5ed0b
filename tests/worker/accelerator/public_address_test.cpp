#include "worker/accelerator/public_address.h"

#include <gtest/gtest.h>
#include <vector>

namespace mpsup::accelerator {
namespace {

const std::vector<std::string> backends{"127.0.0.1:8090", "[::1]:8090"};

AddressMap map() { return {"https", "www.example.org", backends}; }

std::string location(std::string_view value, const AddressMap& with = map()) {
    std::string out(value);
    return rewrite_location(with, value, out) ? out : std::string(value);
}
std::string cookie(std::string_view value, const AddressMap& with = map()) {
    std::string out(value);
    return rewrite_cookie(with, value, out) ? out : std::string(value);
}
std::string refresh(std::string_view value) {
    std::string out(value);
    return rewrite_refresh(map(), value, out) ? out : std::string(value);
}

TEST(PublicAddress, ReplacesTheUpstreamsAddress) {
    EXPECT_EQ(location("http://127.0.0.1:8090/a?b#c"), "https://www.example.org/a?b#c");
    EXPECT_EQ(location("http://[::1]:8090"), "https://www.example.org");
    EXPECT_EQ(location("//127.0.0.1:8090/a"), "//www.example.org/a");
    EXPECT_EQ(location("http://127.0.0.1:8090?x"), "https://www.example.org?x");
}

TEST(PublicAddress, ReplacesItInEachTargetOfALinkField) {
    std::string out;
    EXPECT_TRUE(
        rewrite_link(map(), "<http://127.0.0.1:8090/a,b>; rel=preload, </c>, <//[::1]:8090/d>; title=\"<x>\"", out));
    EXPECT_EQ(out, "<https://www.example.org/a,b>; rel=preload, </c>, <//www.example.org/d>; title=\"<x>\"");
    EXPECT_FALSE(rewrite_link(map(), "<http://other/a>; x=\"http://127.0.0.1:8090/\", http://127.0.0.1:8090/", out));
}

TEST(PublicAddress, ReplacesTheUpstreamsPortBehindThePublicName) {
    EXPECT_EQ(location("http://WWW.example.org:8090/a"), "https://www.example.org/a");
    AddressMap with = map();
    with.host = "www.example.org:8090"; // it is the public port as well
    EXPECT_EQ(location("http://www.example.org:8090/a", with), "http://www.example.org:8090/a");
}

TEST(PublicAddress, LeavesEverythingElseAlone) {
    for (const char* value :
         {"/a", "a/b", "", "http://other.example/a", "http://www.example.org/a", "http://127.0.0.1:8091/",
          "ftp://127.0.0.1:8090/", "mailto:x@127.0.0.1:8090", "/redirect?to=http://127.0.0.1:8090/",
          "http://127.0.0.1:8090.evil.example/", "http://user@127.0.0.1:8090/"})
        EXPECT_EQ(location(value), value);
}

TEST(PublicAddress, MovesPathsThatARouteCutOff) {
    AddressMap with = map();
    with.public_prefix = "/app/";
    EXPECT_EQ(location("/login", with), "/app/login");
    EXPECT_EQ(location("http://127.0.0.1:8090/login", with), "https://www.example.org/app/login");
    EXPECT_EQ(location("relative", with), "relative");
    EXPECT_EQ(location("http://other.example/login", with), "http://other.example/login");
    EXPECT_EQ(cookie("a=b; Path=/; Secure", with), "a=b; Path=/app/; Secure");
}

TEST(PublicAddress, RewritesRefresh) {
    EXPECT_EQ(refresh("5; url=http://127.0.0.1:8090/a"), "5; url=https://www.example.org/a");
    EXPECT_EQ(refresh("0;URL='http://127.0.0.1:8090/a'"), "0;URL='https://www.example.org/a'");
    EXPECT_EQ(refresh("5"), "5");
    EXPECT_EQ(refresh("5; url=/a"), "5; url=/a");
}

TEST(PublicAddress, RewritesTheDomainOfCookies) {
    EXPECT_EQ(cookie("a=b; Domain=127.0.0.1; HttpOnly; Secure"), "a=b; Domain=www.example.org; HttpOnly; Secure");
    EXPECT_EQ(cookie("a=b; domain=example.org"), "a=b; domain=example.org");
    EXPECT_EQ(cookie("a=b"), "a=b");
    EXPECT_EQ(cookie("a=\"127.0.0.1; Path=/x\""), "a=\"127.0.0.1; Path=/x\"");
    AddressMap with = map();
    with.host = "192.0.2.1:8080"; // an address is no domain
    EXPECT_EQ(cookie("a=b; Domain=127.0.0.1; Path=/", with), "a=b; Path=/");
}

} // namespace
} // namespace mpsup::accelerator
