#include "worker/cache/flights.h"

#include <gtest/gtest.h>
#include <thread>

namespace mpsup::cache {
namespace {

using Role = Flights::Joined::Role;

class SingleFlight : public testing::Test {
protected:
    Flights flights;
    std::vector<Landing> landed;
    Flights::Joined join(std::string_view key = "k", Seconds now = 100) {
        return flights.join(key, now, [this](Landing landing) { landed.push_back(landing); });
    }
};

TEST_F(SingleFlight, Fault70SendsOneOfAThousand) {
    Flights::Joined first = join();
    ASSERT_EQ(first.role, Role::leads);
    for (int i = 1; i < 1000; ++i) EXPECT_EQ(join().role, Role::waits);
    EXPECT_EQ(join("other").role, Role::leads);
    EXPECT_TRUE(landed.empty());
    first.leader.land(Landing::stored, 100);
    EXPECT_EQ(landed, std::vector<Landing>(999, Landing::stored));
    EXPECT_EQ(join().role, Role::leads) << "the next one leads again";
}

TEST_F(SingleFlight, WakesAllWhenTheLeaderFails) {
    {
        const Flights::Joined first = join();
        join();
    }
    EXPECT_EQ(landed, (std::vector{Landing::failed}));
    EXPECT_EQ(flights.size(), 0U);
}

TEST_F(SingleFlight, DoesNotQueueForWhatCannotBeShared) {
    Flights::Joined first = join();
    join();
    first.leader.land(Landing::uncacheable, 100);
    EXPECT_EQ(landed, (std::vector{Landing::uncacheable}));
    EXPECT_EQ(join("k", 100 + Flights::memory - 1).role, Role::alone);
    EXPECT_EQ(join("k", 100 + Flights::memory).role, Role::leads) << "perhaps it can by now";
}

TEST_F(SingleFlight, LetsNobodyWaitWhileOneLooksAgainAtWhatCouldNotBeShared) {
    join().leader.land(Landing::uncacheable, 100);
    Seconds now = 100 + Flights::memory;
    Flights::Joined second = join("k", now);
    EXPECT_EQ(second.role, Role::leads);
    EXPECT_EQ(join("k", now).role, Role::alone);
    second.leader.land(Landing::uncacheable, now);
    now += Flights::memory + Flights::recall - 1;
    Flights::Joined third = join("k", now);
    EXPECT_EQ(join("k", now).role, Role::alone);
    third.leader.land(Landing::stored, now);
    EXPECT_EQ(join("k", now).role, Role::leads);
    EXPECT_EQ(join("k", now).role, Role::leads) << "the first of them has failed";
}

TEST_F(SingleFlight, ForgetsWhatCouldNotBeSharedWhenNobodyAsksForIt) {
    join().leader.land(Landing::uncacheable, 100);
    const Flights::Joined later = join("k", 100 + Flights::memory + Flights::recall);
    EXPECT_EQ(later.role, Role::leads);
    EXPECT_EQ(join("k", 100 + Flights::memory + Flights::recall).role, Role::waits);
}

TEST_F(SingleFlight, LetsWaitersLeave) {
    Flights::Joined first = join();
    const Flights::Joined second = join(), third = join();
    EXPECT_TRUE(flights.leave("k", second.ticket));
    EXPECT_FALSE(flights.leave("k", second.ticket));
    first.leader.land(Landing::stored, 100);
    EXPECT_EQ(landed.size(), 1U);
    EXPECT_FALSE(flights.leave("k", third.ticket)) << "it has been woken";
}

TEST_F(SingleFlight, TellsTheLeaderWhetherAnybodyWaits) {
    Flights::Joined first = join();
    EXPECT_FALSE(first.leader.is_awaited());
    const Flights::Joined second = join();
    EXPECT_TRUE(first.leader.is_awaited());
    EXPECT_TRUE(flights.leave("k", second.ticket));
    EXPECT_FALSE(first.leader.is_awaited());
    join();
    first.leader.land(Landing::stored, 100);
    EXPECT_FALSE(first.leader.is_awaited());
    EXPECT_FALSE(Leader().is_awaited());
}

TEST_F(SingleFlight, HasALimitOfWaiters) {
    const Flights::Joined first = join();
    for (std::size_t i = 0; i < Flights::waiters; ++i) ASSERT_EQ(join().role, Role::waits);
    EXPECT_EQ(join().role, Role::alone);
}

TEST_F(SingleFlight, LandsOnce) {
    Flights::Joined first = join();
    join();
    Leader moved = std::move(first.leader);
    EXPECT_FALSE(first.leader); // NOLINT(bugprone-use-after-move): what is tested
    moved.land(Landing::stored, 100);
    moved.land(Landing::failed, 100);
    EXPECT_EQ(landed.size(), 1U);
}

TEST_F(SingleFlight, ValidatesInTheBackgroundOnceAtATime) {
    Leader leader = flights.lead_if_free("k");
    ASSERT_TRUE(leader);
    EXPECT_FALSE(flights.lead_if_free("k"));
    EXPECT_EQ(join().role, Role::waits);
    leader.land(Landing::stored, 100);
    EXPECT_TRUE(flights.lead_if_free("k"));
}

TEST_F(SingleFlight, WorksAcrossThreads) {
    std::atomic<int> leaders{0}, woken{0}, waits{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 2000; ++round) {
                Flights::Joined joined = flights.join("k", 1, [&](Landing) { ++woken; });
                if (joined.role == Role::leads) {
                    ++leaders;
                    joined.leader.land(Landing::stored, 1);
                } else if (!(round % 3 == 0 && flights.leave("k", joined.ticket))) {
                    ++waits;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(woken, waits);
    EXPECT_GT(leaders, 0);
    EXPECT_EQ(flights.size(), 0U);
}

} // namespace
} // namespace mpsup::cache
