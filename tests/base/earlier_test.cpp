#include "base/earlier.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(Earlier, IsWhicheverComesFirst) {
    const std::optional<int> never;
    EXPECT_EQ(earlier(std::optional(1), std::optional(2)), 1);
    EXPECT_EQ(earlier(std::optional(2), std::optional(1)), 1);
    EXPECT_EQ(earlier(never, std::optional(1)), 1);
    EXPECT_EQ(earlier(std::optional(1), never), 1);
    EXPECT_EQ(earlier(never, never), never);
}

} // namespace
} // namespace mpsup
