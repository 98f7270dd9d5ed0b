#include "worker/cache/keyed_hash.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace mpsup::cache {
namespace {

TEST(KeyedHash, DependsOnTheKeyAndEveryByte) {
    const std::string text = "http://example.org/a";
    const std::uint64_t hash = keyed_hash({1, 2}, text);
    EXPECT_NE(hash, keyed_hash({1, 3}, text));
    EXPECT_EQ(hash, keyed_hash({1, 2}, text));
    std::set<std::uint64_t> hashes{hash};
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string other = text;
        other[i] ^= 1;
        EXPECT_TRUE(hashes.insert(keyed_hash({1, 2}, other)).second);
    }
    EXPECT_NE(keyed_hash({1, 2}, std::string_view("\0", 1)), keyed_hash({1, 2}, ""));
}

// SipHash-1-3 of the reference implementation's test key and input: bytes 0, 1, 2… under the key 00 01 … 0f.
TEST(KeyedHash, IsSipHash13) {
    const HashKey key{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    EXPECT_EQ(keyed_hash(key, ""), 0xabac0158050fc4dcU);
    std::string text;
    for (char c = 0; c < 15; ++c) text.push_back(c);
    EXPECT_EQ(keyed_hash(key, std::string_view("\0", 1)), 0xc9f49bf37d57ca93U);
}

} // namespace
} // namespace mpsup::cache
