#include "worker/contract/cidr.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

TEST(Cidr, HoldsTheAddressesOfItsBlock) {
    const auto ten = Cidr::parse("10.0.0.0/8");
    ASSERT_TRUE(ten);
    EXPECT_TRUE(ten->contains("10.255.1.2"));
    EXPECT_TRUE(ten->contains("::ffff:10.1.2.3")) << "the same address, as a socket for both families has it";
    EXPECT_FALSE(ten->contains("11.0.0.0"));
    EXPECT_FALSE(ten->contains("::1"));
    const auto odd = Cidr::parse("192.168.16.0/20");
    ASSERT_TRUE(odd);
    EXPECT_TRUE(odd->contains("192.168.31.255"));
    EXPECT_FALSE(odd->contains("192.168.32.0"));
    EXPECT_TRUE(Cidr::parse("2001:db8::/32")->contains("2001:db8:ffff::1"));
    EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains("8.8.8.8"));
    EXPECT_FALSE(Cidr::parse("0.0.0.0/0")->contains("2001::1"));
    EXPECT_TRUE(Cidr::parse("::/0")->contains("8.8.8.8"));
}

TEST(Cidr, OfAnAddressAloneIsThatAddress) {
    EXPECT_TRUE(Cidr::parse("::1")->contains("::1"));
    EXPECT_FALSE(Cidr::parse("127.0.0.1")->contains("127.0.0.2"));
    EXPECT_EQ(Cidr::parse("127.0.0.1")->text(), "127.0.0.1");
}

TEST(Cidr, IsNothingElse) {
    for (const char* bad : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.1/8", "10.0/8",
                            "::/129", "localhost", "[::1]", "fe80::1%eth0", "010.0.0.1", "10.0.0.0/8/8"})
        EXPECT_FALSE(Cidr::parse(bad)) << bad;
    EXPECT_FALSE(Cidr::parse("::/0")->contains("no address"));
}

} // namespace
} // namespace mpsup::contract
