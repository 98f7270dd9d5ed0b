#include "worker/dynamic/pool_board.h"

#include <gtest/gtest.h>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::dynamic {
namespace {

using Slot = PoolBoard::Slot;

class PoolBoardTest : public testing::Test {
protected:
    std::size_t idle_child() {
        const auto slot = board_.take().value();
        board_.set(slot, Slot::idle);
        return slot;
    }
    bool is_called() const {
        pollfd entry{board_.call_fd(), POLLIN, 0};
        return ::poll(&entry, 1, 0) == 1;
    }
    PoolBoard board_ = PoolBoard::make().value();
};

TEST_F(PoolBoardTest, ASlotThatIsTakenIsStarting) {
    const auto slot = board_.take();
    ASSERT_TRUE(slot);
    EXPECT_EQ(board_.state(*slot), Slot::starting);
}

TEST_F(PoolBoardTest, TellsWhoIsTheFirstToSaySomething) {
    EXPECT_TRUE(board_.is_first(0));
    EXPECT_FALSE(board_.is_first(0));
    EXPECT_TRUE(board_.is_first(31));
    EXPECT_FALSE(board_.is_first(31));
}

TEST_F(PoolBoardTest, WakesAnotherOnlyIfOneIsIdle) {
    const auto is_woken = [&] {
        pollfd entry{board_.handed_on_fd(), POLLIN, 0};
        return ::poll(&entry, 1, 0) == 1;
    };
    const auto self = idle_child();
    board_.hand_on(self);
    EXPECT_FALSE(is_woken());
    idle_child();
    board_.hand_on(self);
    board_.hand_on(self);
    EXPECT_TRUE(is_woken());
    board_.heed();
    EXPECT_TRUE(is_woken()) << "one for each";
    board_.heed();
    EXPECT_FALSE(is_woken());
}

TEST_F(PoolBoardTest, AReleasedSlotIsTakenAgain) {
    const auto first = board_.take().value();
    EXPECT_NE(board_.take().value(), first);
    board_.release(first);
    EXPECT_EQ(board_.state(first), Slot::free);
    EXPECT_EQ(board_.take(), first);
}

TEST_F(PoolBoardTest, IsFullWhenEverySlotIsTaken) {
    for (std::size_t i = 0; i < PoolBoard::capacity; ++i) ASSERT_TRUE(board_.take());
    EXPECT_FALSE(board_.take());
}

TEST_F(PoolBoardTest, CallsWhenFewerAreIdleThanThereShouldBe) {
    board_.set_spare(2);
    const auto first = idle_child();
    const auto second = idle_child();
    idle_child();
    board_.become_busy(first);
    EXPECT_EQ(board_.state(first), Slot::busy);
    EXPECT_FALSE(is_called()) << "two are idle still";
    board_.become_busy(second);
    EXPECT_TRUE(is_called());
}

TEST_F(PoolBoardTest, CallsOnceUntilItWasAnswered) {
    board_.set_spare(1);
    const auto child = idle_child();
    board_.become_busy(child);
    board_.answer();
    EXPECT_FALSE(is_called());
    board_.set(child, Slot::idle);
    board_.become_busy(child);
    EXPECT_TRUE(is_called()) << "there is a reason again";
}

TEST_F(PoolBoardTest, NobodyCallsWhereNoSpareOnesAreWanted) {
    board_.set_spare(0);
    board_.become_busy(idle_child());
    EXPECT_FALSE(is_called());
}

TEST_F(PoolBoardTest, AForkedChildWritesWhatItsMasterReads) {
    board_.set_spare(1);
    const auto slot = idle_child();
    const pid_t pid = ::fork();
    if (pid == 0) {
        board_.become_busy(slot);
        ::_exit(0);
    }
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_EQ(board_.state(slot), Slot::busy);
    EXPECT_TRUE(is_called());
}

TEST_F(PoolBoardTest, CanBeMoved) {
    const auto slot = idle_child();
    PoolBoard other = std::move(board_);
    EXPECT_EQ(other.state(slot), Slot::idle);
    board_ = PoolBoard::make().value();
    EXPECT_EQ(board_.state(slot), Slot::free);
}

} // namespace
} // namespace mpsup::dynamic
