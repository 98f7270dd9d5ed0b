#include "worker/cache/arena.h"

#include "worker/cache/store.h"

#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

class ArenaOfTwo : public testing::Test {
protected:
    Fd memory = *Store::make_memory(Arena::min_bytes);
    Arena one = *Arena::map(memory);
    Arena two = *Arena::map(memory);
};

TEST_F(ArenaOfTwo, HasOneWriter) {
    EXPECT_TRUE(one.lock_writer());
    EXPECT_TRUE(one.lock_writer()) << "asked again by the one who has it";
    EXPECT_FALSE(two.lock_writer());
    one.unlock_writer();
    EXPECT_TRUE(two.lock_writer());
}

TEST_F(ArenaOfTwo, LetsGoOfLocksWhenItEnds) {
    {
        Arena three = *Arena::map(memory);
        ASSERT_TRUE(three.lock_writer());
        ASSERT_EQ(three.lock_slot(), 0U);
        EXPECT_EQ(one.held_slots(0b11), 0b01U);
        EXPECT_EQ(three.held_slots(0b11), 0U) << "its own is not another's";
        EXPECT_EQ(one.lock_slot(), 1U);
        EXPECT_EQ(two.held_slots(UINT32_MAX), 0b11U);
    }
    EXPECT_TRUE(two.lock_writer());
    EXPECT_EQ(two.held_slots(UINT32_MAX), 0b10U);
}

TEST_F(ArenaOfTwo, HasSlotsForSoMany) {
    std::vector<Arena> others;
    for (unsigned slot = 0; slot < Arena::slots; ++slot) {
        others.push_back(*Arena::map(memory));
        EXPECT_EQ(others.back().lock_slot(), slot);
    }
    EXPECT_EQ(one.lock_slot(), std::nullopt);
}

TEST_F(ArenaOfTwo, ShowsMarksToBoth) {
    one.format();
    EXPECT_TRUE(two.is_sound());
    one.set_mark(5, {UnitKind::dead, 64, 0xffffffff});
    const UnitMark mark = two.mark(5);
    EXPECT_EQ(mark.kind, UnitKind::dead);
    EXPECT_EQ(mark.count, 64);
    EXPECT_EQ(mark.link, 0xffffffff);
    EXPECT_FALSE(two.is_run(5, mark)) << "it would reach into the next block";
    EXPECT_FALSE(two.is_run(one.units(), {UnitKind::record, 1, 0}));
    EXPECT_EQ(two.mark(6).kind, UnitKind::none);
}

TEST_F(ArenaOfTwo, KeepsTheLatestErasures) {
    one.format();
    for (std::uint64_t hash = 1; hash <= Arena::erasures_kept + 1; ++hash) two.log_erasure(hash);
    EXPECT_EQ(one.erasures(), Arena::erasures_kept + 1);
    EXPECT_EQ(one.erasure(0), std::nullopt) << "overwritten";
    EXPECT_EQ(one.erasure(1), 2U);
    EXPECT_EQ(one.erasure(Arena::erasures_kept), Arena::erasures_kept + 1);
    EXPECT_EQ(one.erasure(Arena::erasures_kept + 1), std::nullopt) << "not there yet";
}

TEST_F(ArenaOfTwo, UsesAllOfTheMemoryButTheTables) {
    EXPECT_GE(std::uint64_t{one.units()} * Arena::unit_bytes, Arena::min_bytes * 9 / 10 - 65536);
    one.at(one.units() - 1)[Arena::unit_bytes - 1] = 1; // within the mapping
}

} // namespace
} // namespace mpsup::cache
