#include "supervisor/daemon/line_merge.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

std::string all_of(LineMerge& merge) {
    std::string text;
    while (auto line = merge.pop()) text += line->text;
    return text;
}

TEST(LineMerge, AwaitsEveryStreamForTheOrderOfTime) {
    LineMerge merge(3);
    merge.push(0, 10, "a");
    merge.push(0, 30, "c");
    merge.push(2, 20, "b");
    EXPECT_EQ(all_of(merge), "") << "of the second one nothing is known";
    merge.push(1, 25, "x");
    EXPECT_EQ(all_of(merge), "ab") << "the third one may have more that is earlier than x";
    merge.set_over(2);
    EXPECT_EQ(all_of(merge), "x");
    merge.set_over(1);
    EXPECT_EQ(all_of(merge), "c");
    EXPECT_FALSE(merge.is_over());
    merge.set_over(0);
    merge.set_over(0);
    EXPECT_TRUE(merge.is_over());
}

TEST(LineMerge, LinesOfOneMillisecondKeepTheirOrder) {
    LineMerge merge(1);
    for (const char* text : {"a", "b", "c"}) merge.push(0, 5, text);
    EXPECT_EQ(all_of(merge), "abc");
}

TEST(LineMerge, WhatIsLiveIsNotAwaited) {
    LineMerge merge(2);
    merge.push(0, 10, "a");
    merge.set_live(0);
    EXPECT_FALSE(merge.is_live());
    EXPECT_EQ(all_of(merge), "");
    merge.set_live(1);
    EXPECT_EQ(all_of(merge), "a");
    EXPECT_TRUE(merge.is_live());
    merge.push(0, 30, "b");
    EXPECT_EQ(all_of(merge), "b");
    merge.push(1, 20, "c");
    EXPECT_EQ(all_of(merge), "c") << "late, but not lost";
    EXPECT_FALSE(merge.is_over());
}

TEST(LineMerge, HasRoomForSoMuchOfEach) {
    LineMerge merge(2);
    for (int i = 0; i < 64; ++i) {
        EXPECT_TRUE(merge.has_room(0));
        merge.push(0, i, "a");
    }
    EXPECT_FALSE(merge.has_room(0));
    EXPECT_TRUE(merge.has_room(1));
    merge.push(1, 100, std::string(64 * 1024, 'x'));
    EXPECT_FALSE(merge.has_room(1));
    EXPECT_TRUE(merge.pop());
    EXPECT_TRUE(merge.has_room(0));
}

TEST(LineMerge, OfNoStreamsIsOver) {
    LineMerge merge(0);
    EXPECT_TRUE(merge.is_live());
    EXPECT_TRUE(merge.is_over());
    EXPECT_FALSE(merge.pop());
}

} // namespace
} // namespace mpsup
