#include "worker/dynamic/recycling.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

TEST(RecyclingTest, TakesThemInTheOrderInWhichTheyAskedForIt) {
    Recycling recycling;
    recycling.add({11, "its age"});
    recycling.add({10, "its requests"});
    EXPECT_EQ(recycling.next()->pid, 11);
    EXPECT_EQ(recycling.next()->pid, 10) << "the one before was gone already";
    EXPECT_FALSE(recycling.next());
}

TEST(RecyclingTest, ReplacesOneAtATime) {
    Recycling recycling;
    recycling.add({10, "its age"});
    recycling.add({11, "its age"});
    recycling.begin(*recycling.next(), 4);
    EXPECT_TRUE(recycling.is_running());
    EXPECT_EQ(recycling.running()->pid, 10);
    EXPECT_EQ(recycling.size(), 4);
    EXPECT_FALSE(recycling.next());
    recycling.end();
    EXPECT_EQ(recycling.next()->pid, 11);
}

} // namespace
} // namespace mpsup::dynamic
