#include "worker/accelerator/ignored_query.h"

#include <gtest/gtest.h>
#include <vector>

namespace mpsup::accelerator {
namespace {

const std::vector<std::string> names{"utm_*", "fbclid"};

TEST(IgnoredQuery, LeavesOutWhatIsNamed) {
    EXPECT_EQ(without_parameters("a=1&utm_source=x&b=2&fbclid=y", names), "a=1&b=2");
    EXPECT_EQ(without_parameters("fbclid", names), "");
    EXPECT_EQ(without_parameters("utm_a=1&a=1", names), "a=1");
}

TEST(IgnoredQuery, KeepsWhatHasASemicolonForItMayBeSeveral) {
    EXPECT_EQ(without_parameters("utm_source=x;id=1", names), "utm_source=x;id=1");
    EXPECT_EQ(without_parameters("fbclid;id=1&utm_a=1&id=2", names), "fbclid;id=1&id=2");
}

TEST(IgnoredQuery, LeavesTheRestAsItIs) {
    EXPECT_EQ(without_parameters("", names), "");
    EXPECT_EQ(without_parameters("a=1&&b=%20&a=2&fbclid2=3&x=fbclid", names), "a=1&&b=%20&a=2&fbclid2=3&x=fbclid");
}

} // namespace
} // namespace mpsup::accelerator
