#include "worker/http/guards.h"

#include <gtest/gtest.h>
#include <string>
#include <thread>

namespace mpsup::http {
namespace {

using namespace std::chrono_literals;

const Guards::Time start{};

GuardKey key(std::string_view address) { return GuardKey::of(address).value(); }

bool let_in(Guards& guards, const GuardKey& who, Guards::Time now) {
    return guards.enter(who, now) != Guards::Admission::refused;
}

TEST(GuardKey, IsTheAddressOrTheNetworkOfACustomer) {
    EXPECT_EQ(key("192.0.2.1"), key("192.0.2.1"));
    EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
    EXPECT_EQ(key("::ffff:192.0.2.1"), key("192.0.2.1"));
    EXPECT_EQ(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    EXPECT_FALSE(GuardKey::of(""));
    EXPECT_FALSE(GuardKey::of("not an address, and a long text at that, longer than any"));
}

TEST(Guards, LimitConnectionsOfEachAddress) {
    Guards guards({.connections = 2});
    EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
    EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
    EXPECT_FALSE(let_in(guards, key("192.0.2.1"), start));
    EXPECT_TRUE(let_in(guards, key("192.0.2.2"), start));
    guards.leave(key("192.0.2.1"));
    EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
    EXPECT_FALSE(let_in(guards, key("192.0.2.1"), start));
}

TEST(Guards, LetABurstThroughAndThenTheRate) {
    Guards guards({.rate = 2, .burst = 3});
    const GuardKey one = key("192.0.2.1");
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(guards.charge(one, start)) << i;
    EXPECT_EQ(guards.charge(one, start), 1s);
    EXPECT_FALSE(guards.charge(one, start + 500ms));
    EXPECT_TRUE(guards.charge(one, start + 500ms));
    EXPECT_FALSE(guards.charge(key("192.0.2.2"), start));
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(guards.charge(one, start + 60s)) << "no more than the burst is saved up";
    EXPECT_TRUE(guards.charge(one, start + 60s));
}

TEST(Guards, SayHowLongToWait) {
    Guards guards({.rate = 0.1, .burst = 1});
    EXPECT_FALSE(guards.charge(key("192.0.2.1"), start));
    EXPECT_EQ(guards.charge(key("192.0.2.1"), start), 10s);
}

TEST(Guards, StandAClockThatIsReadByManyThreads) {
    Guards guards({.rate = 1, .burst = 1});
    EXPECT_FALSE(guards.charge(key("192.0.2.1"), start + 5s));
    EXPECT_TRUE(guards.charge(key("192.0.2.1"), start + 4s));
    EXPECT_TRUE(guards.charge(key("192.0.2.1"), start + 5s));
}

TEST(Guards, ForgetTheQuietBeforeTheBusyAndNeverGrow) {
    Guards guards({.connections = 1, .rate = 1, .burst = 1, .addresses = 128});
    EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
    for (int i = 0; i < 10'000; ++i) {
        const GuardKey other{0xffff, static_cast<std::uint64_t>(i) + 1'000'000};
        EXPECT_TRUE(let_in(guards, other, start + i * 1ms));
        guards.leave(other);
    }
    EXPECT_FALSE(let_in(guards, key("192.0.2.1"), start + 20s)) << "it has a connection still";
}

TEST(Guards, LetInWhomTheyHaveNoPlaceFor) {
    Guards guards({.connections = 1, .addresses = 128});
    int refused = 0;
    for (int round = 0; round < 2; ++round)
        for (std::uint64_t i = 0; i < 1'000; ++i)
            if (!let_in(guards, {0xffff, i}, start)) ++refused;
    EXPECT_EQ(refused, 128);
}

TEST(Guards, SayWhoIsCounted) {
    Guards guards({.connections = 1, .addresses = 128});
    std::vector<GuardKey> inside, beside;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        const GuardKey who{0xffff, i};
        (guards.enter(who, start) == Guards::Admission::counted ? inside : beside).push_back(who);
    }
    ASSERT_EQ(inside.size(), 128U);
    for (const GuardKey& who : inside) guards.leave(who); // now there is a place for all
    for (const GuardKey& who : beside) {
        if (guards.enter(who, start) != Guards::Admission::counted) continue;
        EXPECT_EQ(guards.enter(who, start), Guards::Admission::refused) << "its first connection is still there";
    }
}

TEST(Guards, CountRightInManyThreads) {
    Guards guards({.connections = 4});
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&guards] {
            for (int i = 0; i < 10'000; ++i)
                if (guards.enter(key("192.0.2.1"), start) == Guards::Admission::counted) guards.leave(key("192.0.2.1"));
        });
    threads.clear();
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
    EXPECT_FALSE(let_in(guards, key("192.0.2.1"), start));
}

TEST(Guards, WithoutLimitsHoldNobodyUp) {
    Guards guards({});
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(let_in(guards, key("192.0.2.1"), start));
        EXPECT_FALSE(guards.charge(key("192.0.2.1"), start));
    }
}

} // namespace
} // namespace mpsup::http
