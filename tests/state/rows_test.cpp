#include "state/rows.h"

#include <gtest/gtest.h>
#include <set>

namespace mpsup::state {
namespace {

TEST(EventKinds, AreDifferentWordsThatReadBack) {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(EventKind::store_recovered); ++i) {
        const auto kind = static_cast<EventKind>(i);
        EXPECT_FALSE(to_string(kind).empty()) << i;
        EXPECT_TRUE(words.insert(to_string(kind)).second) << to_string(kind);
        EXPECT_EQ(parse_event_kind(to_string(kind)), kind);
    }
    EXPECT_EQ(parse_event_kind("exploded"), std::nullopt);
}

TEST(Roles, AreDifferentWordsThatReadBack) {
    for (const auto role : {ProcessRole::light, ProcessRole::master, ProcessRole::child})
        EXPECT_EQ(parse_role(to_string(role)), role);
    EXPECT_EQ(parse_role("zygote"), std::nullopt);
}

TEST(Stamps, GoForward) {
    const auto first = Stamp::now();
    const auto second = Stamp::now();
    EXPECT_GT(first.wall_ms, 1'700'000'000'000);
    EXPECT_GT(first.boot_ms, 0);
    EXPECT_LE(first.boot_ms, second.boot_ms);
}

} // namespace
} // namespace mpsup::state
