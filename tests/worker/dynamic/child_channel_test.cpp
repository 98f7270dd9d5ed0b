#include "worker/dynamic/child_channel.h"

#include <gtest/gtest.h>

namespace mpsup::dynamic {
namespace {

TEST(ChildChannel, CarriesWordsBothWays) {
    auto pair = ChildChannel::make();
    ASSERT_TRUE(pair);
    ChannelWord word{};
    EXPECT_EQ(pair->child.hear(word), ChildChannel::Heard::nothing);
    EXPECT_TRUE(pair->master.say(ChannelWord::serve));
    EXPECT_TRUE(pair->master.say(ChannelWord::drain));
    ASSERT_EQ(pair->child.hear(word), ChildChannel::Heard::word);
    EXPECT_EQ(word, ChannelWord::serve);
    ASSERT_EQ(pair->child.hear(word), ChildChannel::Heard::word);
    EXPECT_EQ(word, ChannelWord::drain);
    EXPECT_TRUE(pair->child.say(ChannelWord::ready));
    ASSERT_EQ(pair->master.hear(word), ChildChannel::Heard::word);
    EXPECT_EQ(word, ChannelWord::ready);
}

TEST(ChildChannel, TellsThatTheOtherSideIsGone) {
    auto pair = ChildChannel::make();
    ASSERT_TRUE(pair);
    pair->master.close();
    ChannelWord word{};
    EXPECT_EQ(pair->child.hear(word), ChildChannel::Heard::end);
    EXPECT_FALSE(pair->child.say(ChannelWord::ready));
}

TEST(ChildChannel, NeverBlocksOnOneThatDoesNotListen) {
    auto pair = ChildChannel::make();
    ASSERT_TRUE(pair);
    bool full = false;
    for (int i = 0; i < 100'000 && !full; ++i) full = !pair->master.say(ChannelWord::serve);
    EXPECT_TRUE(full);
}

} // namespace
} // namespace mpsup::dynamic
