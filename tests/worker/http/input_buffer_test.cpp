#include "worker/http/input_buffer.h"

#include <gtest/gtest.h>
#include <string>

namespace mpsup::http {
namespace {

void put(InputBuffer& buffer, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto space = buffer.space();
        ASSERT_FALSE(space.empty());
        const std::size_t count = bytes.copy(space.data(), space.size());
        buffer.added(count);
        bytes.remove_prefix(count);
    }
}

TEST(InputBuffer, KeepsBytesInOrderWhileItGrows) {
    InputBuffer buffer;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        put(buffer, std::to_string(i));
        expected += std::to_string(i);
        if (i % 3 == 0) {
            buffer.consume(1);
            expected.erase(0, 1);
        }
    }
    EXPECT_EQ(buffer.unread(), expected);
}

TEST(InputBuffer, LeavesThePinnedHeadWhereItIs) {
    InputBuffer buffer;
    put(buffer, "HEADbody");
    const std::string_view head = buffer.pin(4, InputBuffer::body_room);
    EXPECT_EQ(buffer.unread(), "body");
    buffer.consume(4);
    for (int i = 0; i < 100; ++i) {
        put(buffer, std::string(5000, 'x'));
        buffer.consume(5000);
    }
    EXPECT_EQ(head, "HEAD");
    buffer.unpin();
    EXPECT_TRUE(buffer.unread().empty());
}

TEST(InputBuffer, KeepsWhatFollowsThePinnedHead) {
    InputBuffer buffer;
    put(buffer, "oneTWOthree");
    static_cast<void>(buffer.pin(3, 1));
    buffer.unpin();
    EXPECT_EQ(buffer.pin(3, 1), "TWO");
    buffer.unpin();
    EXPECT_EQ(buffer.unread(), "three");
}

TEST(InputBuffer, GivesLargeMemoryBackWhenItIsEmpty) {
    InputBuffer buffer;
    put(buffer, "x");
    static_cast<void>(buffer.pin(1, InputBuffer::body_room));
    EXPECT_GE(buffer.space().size(), InputBuffer::body_room);
    buffer.unpin();
    EXPECT_EQ(buffer.space().size(), InputBuffer::small);
}

} // namespace
} // namespace mpsup::http
