#include "worker/dynamic/child_channel.h"

#include <gtest/gtest.h>

#include <unistd.h>

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

TEST(ChildChannel, PassesADescriptorWithAWord) {
    auto pair = ChildChannel::make();
    ASSERT_TRUE(pair);
    auto pipe = make_pipe();
    ASSERT_TRUE(pipe);
    EXPECT_TRUE(pair->master.pass(ChannelWord::output, pipe->write.get()));
    EXPECT_TRUE(pair->master.say(ChannelWord::drain));
    ChannelWord word{};
    Fd passed;
    ASSERT_EQ(pair->child.hear(word, passed), ChildChannel::Heard::word);
    EXPECT_EQ(word, ChannelWord::output);
    ASSERT_TRUE(passed);
    EXPECT_EQ(::write(passed.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(pipe->read.get(), &byte, 1), 1);
    ASSERT_EQ(pair->child.hear(word, passed), ChildChannel::Heard::word);
    EXPECT_EQ(word, ChannelWord::drain);
    EXPECT_FALSE(passed);
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
