#include "worker/contract/origin.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

std::string text_of(std::string_view text) {
    const auto origin = Origin::parse(text);
    return origin ? origin->text() : "none";
}

TEST(Origin, IsASchemeAHostAndMaybeAPort) {
    EXPECT_EQ(Origin::parse("https://www.example.org"), (Origin{"https", "www.example.org", 443}));
    EXPECT_EQ(Origin::parse("HTTP://WWW.Example.org:8080"), (Origin{"http", "www.example.org", 8080}));
    EXPECT_EQ(text_of("http://www.example.org:80"), "http://www.example.org");
    EXPECT_EQ(text_of("http://www.example.org:443"), "http://www.example.org:443");
    EXPECT_EQ(text_of("https://10.0.0.1:443"), "https://10.0.0.1");
    EXPECT_EQ(text_of("http://[2001:DB8::0:1]:8080"), "http://[2001:db8::1]:8080");
    EXPECT_EQ(text_of("http://[::1]"), "http://[::1]");
    EXPECT_EQ(text_of("http://localhost"), "http://localhost");
    EXPECT_EQ(text_of("http://xn--bcher-kva.example:1"), "http://xn--bcher-kva.example:1");
    EXPECT_EQ(text_of("http://my_host"), "http://my_host");
}

TEST(Origin, IsNothingElse) {
    for (const std::string_view text : {"",
                                        "http",
                                        "http:",
                                        "http://",
                                        "https://:80",
                                        "www.example.org",
                                        "//www.example.org",
                                        "ftp://a",
                                        "http:/a",
                                        "http://a/",
                                        "http://a/b",
                                        "http://a?",
                                        "http://a#",
                                        "http://u@a",
                                        "http://u:p@a",
                                        "http://a:",
                                        "http://a:0",
                                        "http://a:65536",
                                        "http://a:8x",
                                        "http://a:-1",
                                        "http://a:80:80",
                                        "http://.a",
                                        "http://a.",
                                        "http://a..b",
                                        "http://1.2.3",
                                        "http://256.1.1.1",
                                        "http://a.1",
                                        "http://[::1",
                                        "http://::1",
                                        "http://[::1]x",
                                        "http://[::1]80",
                                        "http://[1.2.3.4]",
                                        "http://a b",
                                        "http://b\xc3\xbc",
                                        "http://a%41",
                                        "http://a,b",
                                        " http://a",
                                        "http://a ",
                                        "http://a\n"})
        EXPECT_EQ(text_of(text), "none") << text;
    EXPECT_EQ(text_of("http://" + std::string(64, 'a')), "none");
    EXPECT_EQ(text_of("http://" + std::string(63, 'a')), "http://" + std::string(63, 'a'));
}

} // namespace
} // namespace mpsup::contract
