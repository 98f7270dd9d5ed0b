#include "worker/cache/checksum.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::cache {
namespace {

TEST(Checksum, IsCrc32c) {
    EXPECT_EQ(checksum("123456789"), 0xe3069283U);
    EXPECT_EQ(checksum(std::string(32, '\0')), 0x8a9136aaU); // RFC 3720 appendix B.4
    EXPECT_EQ(checksum(""), 0U);
}

TEST(Checksum, GoesOnWhereItWasLeft) {
    const std::string text = "a response that arrives in pieces of any size";
    for (std::size_t cut = 0; cut <= text.size(); ++cut)
        EXPECT_EQ(checksum(text.substr(cut), checksum(text.substr(0, cut))), checksum(text));
}

} // namespace
} // namespace mpsup::cache
