#include "worker/accelerator/queue.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace mpsup::accelerator {
namespace {

using std::chrono::seconds;

class QueueTest : public testing::Test {
protected:
    std::set<int> begun;
    int questions = 0;
    Queue queue{3, [this](int connection) { return ++questions, begun.contains(connection); }};
    http::TimePoint now{seconds(1000)};
};

TEST_F(QueueTest, IsFullWhenAsManyWaitAsMay) {
    std::vector<Queue::Place> places;
    for (int i = 0; i < 3; ++i) {
        EXPECT_FALSE(queue.full());
        places.push_back(queue.enter(i, now));
    }
    EXPECT_EQ(questions, 0) << "nobody needs to be asked below the limit";
    EXPECT_TRUE(queue.full());
}

TEST_F(QueueTest, DoesNotCountWhoIsBeingServed) {
    std::vector<Queue::Place> places;
    for (int i = 0; i < 3; ++i) places.push_back(queue.enter(i, now));
    begun = {0, 1};
    EXPECT_FALSE(queue.full());
    EXPECT_EQ(questions, 3);
    places.push_back(queue.enter(3, now));
    places.push_back(queue.enter(4, now));
    EXPECT_TRUE(queue.full());
    EXPECT_EQ(questions, 4) << "only the oldest that waits is asked again";
    places.clear();
    EXPECT_FALSE(queue.full());
}

TEST_F(QueueTest, BelievesNoEmptySocketBeforeTheRequestIsWritten) {
    Queue::Place place = queue.enter(1, now, false);
    begun = {1};
    EXPECT_EQ(queue.waiting_since(), now);
    place.written();
    EXPECT_FALSE(queue.waiting_since());
}

TEST_F(QueueTest, HasRoomAgainWhenSomebodyLeaves) {
    std::vector<Queue::Place> places;
    for (int i = 0; i < 3; ++i) places.push_back(queue.enter(i, now));
    places[1].leave();
    places[1].leave();
    EXPECT_FALSE(queue.full());
}

TEST_F(QueueTest, KnowsSinceWhenTheFirstWaits) {
    EXPECT_FALSE(queue.waiting_since());
    const Queue::Place first = queue.enter(1, now);
    const Queue::Place second = queue.enter(2, now + seconds(1));
    EXPECT_EQ(queue.waiting_since(), now);
    begun = {1};
    EXPECT_EQ(queue.waiting_since(), now + seconds(1));
    begun = {1, 2};
    EXPECT_FALSE(queue.waiting_since());
}

TEST_F(QueueTest, MovesPlaces) {
    Queue::Place one = queue.enter(1, now);
    Queue::Place other = std::move(one);
    EXPECT_FALSE(one); // NOLINT(bugprone-use-after-move): that is what is tested
    EXPECT_TRUE(other);
    other = queue.enter(2, now);
    EXPECT_EQ(queue.waiting_since(), now);
    other = {};
    EXPECT_FALSE(queue.waiting_since());
}

TEST_F(QueueTest, IsShortWhileFewWaitAndNotForLong) {
    Queue large{100, [this](int connection) { return begun.contains(connection); }};
    std::vector<Queue::Place> places;
    for (int i = 0; i < static_cast<int>(Queue::few); ++i) {
        EXPECT_TRUE(large.is_short(now)) << i;
        places.push_back(large.enter(i, now));
    }
    EXPECT_FALSE(large.is_short(now)) << "as many as may";
    begun = {0, 1, 2, 3, 4, 5};
    EXPECT_TRUE(large.is_short(now));
    EXPECT_FALSE(large.is_short(now + Queue::moment)) << "the first has waited for too long";
    begun = {0, 1, 2, 3, 4, 5, 6, 7};
    EXPECT_TRUE(large.is_short(now + Queue::moment)) << "nobody waits";
}

} // namespace
} // namespace mpsup::accelerator
