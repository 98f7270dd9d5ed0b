#include "worker/cache/space.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace mpsup::cache {
namespace {

TEST(Space, GivesRunsThatLieInOneBlock) {
    Space space(128);
    EXPECT_EQ(space.free_units(), 128U);
    const auto whole = space.take(64);
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->first % 64, 0U);
    const auto some = space.take(60);
    ASSERT_TRUE(some);
    EXPECT_FALSE(space.take(5));
    const auto rest = space.take_some(5);
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->count, 4U);
    EXPECT_FALSE(space.take_some(1));
    space.give(*some);
    EXPECT_TRUE(space.take(60));
}

TEST(Space, TakesTheBestFit) {
    Space space(192);
    const auto a = space.take(10);
    const auto b = space.take(10);
    EXPECT_EQ(b->first, a->first + 10) << "not from a block that is whole";
    EXPECT_TRUE(space.take(64));
    EXPECT_TRUE(space.take(64));
}

TEST(Space, ClaimsWhatIsFree) {
    Space space(64);
    EXPECT_TRUE(space.claim({10, 5}));
    EXPECT_FALSE(space.claim({14, 2}));
    EXPECT_TRUE(space.claim({15, 49}));
    EXPECT_TRUE(space.claim({0, 10}));
    EXPECT_EQ(space.free_units(), 0U);
}

TEST(Space, NeverGivesAUnitTwice) {
    constexpr std::uint32_t units = 64 * 16;
    Space space(units);
    std::vector<int> owners(units, 0);
    std::vector<cache::Run> taken;
    std::mt19937 random(7);
    for (int step = 0; step < 50'000; ++step) {
        if (random() % 2 == 0) {
            const std::uint32_t count = random() % 64 + 1;
            const auto run = random() % 2 == 0 ? space.take(count) : space.take_some(count);
            if (!run) continue;
            ASSERT_LE(run->first % 64 + run->count, 64U);
            for (std::uint32_t unit = run->first; unit < run->first + run->count; ++unit) ASSERT_EQ(owners[unit]++, 0);
            taken.push_back(*run);
        } else if (!taken.empty()) {
            std::swap(taken[random() % taken.size()], taken.back());
            for (std::uint32_t unit = taken.back().first; unit < taken.back().first + taken.back().count; ++unit)
                --owners[unit];
            space.give(taken.back());
            taken.pop_back();
        }
        ASSERT_EQ(space.free_units(), static_cast<std::uint32_t>(std::count(owners.begin(), owners.end(), 0)));
    }
}

} // namespace
} // namespace mpsup::cache
