#include "supervisor/daemon/scaling.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

TEST(ParseScale, TakesANumberAndADifference) {
    const auto six = parse_scale("app=6");
    ASSERT_TRUE(six);
    EXPECT_EQ(six->worker, "app");
    EXPECT_FALSE(six->is_relative);
    EXPECT_EQ(six->count, 6);
    EXPECT_TRUE(parse_scale("app=+2")->is_relative);
    EXPECT_EQ(parse_scale("app=+2")->count, 2);
    EXPECT_TRUE(parse_scale("app=-1")->is_relative);
    EXPECT_EQ(parse_scale("app=-1")->count, -1);
}

TEST(ParseScale, RefusesEverythingElse) {
    for (const char* text : {"", "app", "=6", "app=", "app=+", "app=-", "app=six", "app=6x", "app= 6", "app=6 ",
                             "app=+-1", "app=--1", "app=++1", "app=1.5", "app=0x10", "app=99999999999", "app=6=7"})
        EXPECT_FALSE(parse_scale(text)) << text;
}

} // namespace
} // namespace mpsup
