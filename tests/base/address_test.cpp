#include "base/address.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(Address, ReadsWhatItWrites) {
    for (const char* text : {"127.0.0.1:8080", "0.0.0.0:1", "[::1]:65535", "[::]:80"}) {
        const auto address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), text);
    }
}

TEST(Address, WritesOneFormOfAnIpv6Address) {
    EXPECT_EQ(Address::parse("[0:0:0:0:0:0:0:1]:80")->to_string(), "[::1]:80");
}

TEST(Address, RefusesEverythingElse) {
    for (const char* text : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1",
                             "127.0.0.1:8o", "127.0.0.1: 80", "localhost:80", "127.1:80", "::1:80", "[::1:80",
                             "256.0.0.1:80", "127.0.0.1:99999999999999999999"})
        EXPECT_FALSE(Address::parse(text)) << text;
}

TEST(Address, KnowsWhichCannotBothBeBound) {
    const auto overlaps = [](const char* a, const char* b) { return Address::parse(a)->overlaps(*Address::parse(b)); };
    EXPECT_TRUE(overlaps("127.0.0.1:80", "127.0.0.1:80"));
    EXPECT_TRUE(overlaps("0.0.0.0:80", "127.0.0.1:80"));
    EXPECT_TRUE(overlaps("[::1]:80", "[::]:80"));
    EXPECT_FALSE(overlaps("127.0.0.1:80", "127.0.0.1:81"));
    EXPECT_FALSE(overlaps("127.0.0.1:80", "127.0.0.2:80"));
    EXPECT_FALSE(overlaps("0.0.0.0:80", "[::]:80")) << "ours are IPV6_V6ONLY";
}

} // namespace
} // namespace mpsup
