#include "worker/accelerator/backends.h"

#include <gtest/gtest.h>
#include <map>

namespace mpsup::accelerator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class BackendsTest : public testing::Test {
protected:
    static BackendPolicy policy() {
        BackendPolicy made;
        made.failures = 3;
        made.ejection = seconds(10);
        made.slow_start = seconds(10);
        return made;
    }

    static std::vector<std::string> addresses(int count) {
        std::vector<std::string> made;
        for (int i = 0; i < count; ++i) made.push_back("127.0.0.1:" + std::to_string(9000 + i));
        return made;
    }

    void fail(Backends& backends, std::size_t index, int times) const {
        for (int i = 0; i < times; ++i) backends.done(index, Outcome::bad, now);
    }
    // How often each is chosen in `count` requests that end at once.
    std::map<std::size_t, int> shares(Backends& backends, int count) const {
        std::map<std::size_t, int> chosen;
        for (int i = 0; i < count; ++i) {
            const auto index = backends.choose(now);
            if (!index) continue;
            ++chosen[*index];
            backends.done(*index, Outcome::good, now);
        }
        return chosen;
    }
    [[nodiscard]] Backends::View view(const Backends& backends, std::size_t index) const {
        return backends.view()[index];
    }
    BackendState state(const Backends& backends, std::size_t index) const { return backends.view()[index].state; }

    TimePoint now{seconds(1000)};
};

TEST_F(BackendsTest, TakesTurnsWhenAllAreIdle) {
    Backends backends(addresses(3), policy());
    EXPECT_EQ(shares(backends, 9), (std::map<std::size_t, int>{{0, 3}, {1, 3}, {2, 3}}));
}

TEST_F(BackendsTest, PrefersWhoHasTheFewestConnections) {
    Backends backends(addresses(2), policy());
    ASSERT_EQ(backends.choose(now), 0U);
    ASSERT_EQ(backends.choose(now), 1U);
    backends.done(1, Outcome::good, now);
    EXPECT_EQ(backends.choose(now), 1U);
    backends.done(0, Outcome::good, now);
    EXPECT_EQ(backends.choose(now), 0U);
}

TEST_F(BackendsTest, SaysForHowLongABackendIsEjectedWhenItIs) {
    Backends backends(addresses(3), policy());
    fail(backends, 0, 2);
    EXPECT_FALSE(backends.done(0, Outcome::good, now));
    fail(backends, 0, 2);
    EXPECT_EQ(backends.done(0, Outcome::bad, now), seconds(10));
    EXPECT_FALSE(backends.done(0, Outcome::bad, now)) << "it is already";
    fail(backends, 1, 2);
    EXPECT_FALSE(backends.done(1, Outcome::bad, now)) << "half of them are to stay";
}

TEST_F(BackendsTest, Fault62EjectsWhoFailsInARow) {
    Backends backends(addresses(2), policy());
    fail(backends, 0, 2);
    backends.done(0, Outcome::good, now);
    fail(backends, 0, 2);
    EXPECT_EQ(state(backends, 0), BackendState::up) << "not in a row";
    fail(backends, 0, 1);
    EXPECT_EQ(state(backends, 0), BackendState::ejected);
    EXPECT_EQ(shares(backends, 4), (std::map<std::size_t, int>{{1, 4}}));
}

TEST_F(BackendsTest, NeverEjectsMoreThanHalf) {
    Backends one(addresses(1), policy());
    fail(one, 0, 100);
    EXPECT_EQ(one.choose(now), 0U);
    Backends three(addresses(3), policy());
    for (std::size_t i = 0; i < 3; ++i) fail(three, i, 10);
    EXPECT_EQ(shares(three, 10).size(), 2U);
}

TEST_F(BackendsTest, ProbesBeforeOneReturnsAndEjectsForLongerEachTime) {
    Backends backends(addresses(2), policy());
    for (const seconds time : {seconds(10), seconds(20), seconds(40)}) {
        fail(backends, 0, 2);
        EXPECT_EQ(backends.done(0, Outcome::bad, now), time);
        now += time - milliseconds(1);
        EXPECT_FALSE(backends.due(now));
        now += milliseconds(1);
        EXPECT_EQ(backends.due(now), 0U);
        EXPECT_FALSE(backends.due(now)) << "one probe at a time";
        EXPECT_EQ(state(backends, 0), BackendState::ejected);
        backends.checked(0, true, now);
        EXPECT_EQ(state(backends, 0), BackendState::up);
    }
}

TEST_F(BackendsTest, ProbesOneThatIsOffAsOftenAsBeforeHoweverLongThatIs) {
    Backends backends(addresses(2), policy());
    fail(backends, 0, 3);
    now += seconds(10);
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(backends.due(now), 0U);
        backends.checked(0, false, now);
        EXPECT_EQ(state(backends, 0), BackendState::ejected);
        EXPECT_EQ(view(backends, 0).until, now + policy().every);
        now += policy().every - milliseconds(1);
        EXPECT_FALSE(backends.due(now));
        now += milliseconds(1);
    }
    ASSERT_EQ(backends.due(now), 0U);
    backends.checked(0, true, now);
    EXPECT_EQ(state(backends, 0), BackendState::up);
    fail(backends, 0, 2);
    EXPECT_EQ(backends.done(0, Outcome::bad, now), seconds(20)) << "the second time that its requests failed";
}

TEST_F(BackendsTest, ProbesOneThatIsOffNoLaterThanItIsEjected) {
    BackendPolicy seldom = policy();
    seldom.every = std::chrono::hours(1);
    Backends backends(addresses(2), seldom);
    fail(backends, 0, 3);
    now += seconds(10);
    ASSERT_EQ(backends.due(now), 0U);
    backends.checked(0, false, now);
    EXPECT_EQ(view(backends, 0).until, now + seldom.longest);
}

TEST_F(BackendsTest, ShowsWhatIsKnownOfEach) {
    Backends backends(addresses(2), policy());
    EXPECT_EQ(view(backends, 0).checked_at, TimePoint::min()) << "never";
    fail(backends, 0, 3);
    ASSERT_EQ(backends.choose(now), 1U);
    EXPECT_EQ(view(backends, 1).connections, 1);
    EXPECT_EQ(view(backends, 0).failures, 3);
    EXPECT_EQ(view(backends, 0).until, now + seconds(10));
    now += seconds(10);
    ASSERT_EQ(backends.due(now), 0U);
    backends.checked(0, false, now);
    EXPECT_EQ(view(backends, 0).checked_at, now);
    EXPECT_FALSE(view(backends, 0).check_passed);
    now += policy().every;
    ASSERT_EQ(backends.due(now), 0U);
    backends.checked(0, true, now);
    EXPECT_TRUE(view(backends, 0).check_passed);
    EXPECT_EQ(view(backends, 0).failures, 0);
    EXPECT_EQ(view(backends, 0).slow_until, now + policy().slow_start);
    EXPECT_EQ(view(backends, 1).slow_until, TimePoint::min());
}

TEST_F(BackendsTest, StartsSlowlyAgain) {
    Backends backends(addresses(2), policy());
    fail(backends, 0, 3);
    now += seconds(10);
    ASSERT_EQ(backends.due(now), 0U);
    backends.checked(0, true, now);
    const int first = shares(backends, 100)[0];
    EXPECT_GT(first, 0);
    EXPECT_LT(first, 20);
    now += seconds(5);
    const int later = shares(backends, 100)[0];
    EXPECT_GT(later, first);
    EXPECT_LT(later, 50);
    now += seconds(5);
    EXPECT_EQ(shares(backends, 100)[0], 50);
}

TEST_F(BackendsTest, AvoidsWhoHasJustFailedThisRequest) {
    Backends backends(addresses(2), policy());
    for (int i = 0; i < 4; ++i) EXPECT_EQ(backends.choose(now, 0U), 1U);
    Backends single(addresses(1), policy());
    EXPECT_EQ(single.choose(now, 0U), 0U) << "better than nobody";
}

TEST_F(BackendsTest, FollowsActiveChecks) {
    BackendPolicy checked = policy();
    checked.checked = true;
    checked.check_failures = 2;
    checked.check_passes = 2;
    Backends backends(addresses(1), checked);
    EXPECT_EQ(backends.due(now), 0U);
    backends.checked(0, false, now);
    EXPECT_EQ(backends.choose(now), 0U);
    backends.done(0, Outcome::neutral, now);
    EXPECT_FALSE(backends.due(now));
    now += seconds(5);
    EXPECT_EQ(backends.due(now), 0U);
    backends.checked(0, false, now);
    EXPECT_EQ(state(backends, 0), BackendState::down);
    EXPECT_FALSE(backends.choose(now)) << "fault 62: all are down";
    backends.checked(0, true, now);
    EXPECT_EQ(state(backends, 0), BackendState::down);
    backends.checked(0, true, now);
    EXPECT_EQ(backends.choose(now), 0U);
}

TEST_F(BackendsTest, RemembersStatesAcrossARestart) {
    Backends before(addresses(4), policy());
    fail(before, 2, 3);
    now += seconds(4);
    const std::string text = before.save(now);
    EXPECT_EQ(text, "127.0.0.1:9002 ejected 1 6000\n");
    Backends after(addresses(4), policy());
    after.restore(text + "127.0.0.1:1 ejected 1 5\nnonsense\n127.0.0.1:9001 ejected x 5\n\n", now);
    EXPECT_EQ(state(after, 2), BackendState::ejected);
    EXPECT_EQ(state(after, 1), BackendState::up);
    now += seconds(6);
    EXPECT_EQ(after.due(now), 2U);
}

TEST_F(BackendsTest, RestoresNoMoreThanHalfAsEjected) {
    Backends backends(addresses(2), policy());
    backends.restore("127.0.0.1:9000 ejected 1 600000\n127.0.0.1:9001 ejected 1 600000\n", now);
    EXPECT_TRUE(backends.choose(now));
}

class OwnPool : public BackendsTest {
protected:
    static BackendPolicy mixed() {
        BackendPolicy made = policy();
        made.own_first = true;
        return made;
    }
    Backends backends{addresses(3), mixed()};
};

TEST_F(OwnPool, ComesFirstWhileItHasRoom) {
    for (int i = 0; i < 20; ++i) EXPECT_EQ(backends.choose(now, std::nullopt, true), 0U);
    EXPECT_EQ(backends.choose(now), 1U) << "the others have less in hand";
    EXPECT_EQ(backends.choose(now), 2U);
    EXPECT_EQ(backends.choose(now), 1U);
    EXPECT_EQ(backends.choose(now, std::nullopt, true), 0U);
}

TEST_F(OwnPool, HasTheFewestInHandWithoutRoom) {
    for (const std::size_t index : {1U, 2U, 1U, 2U}) {
        ASSERT_EQ(backends.choose(now, 0), index);
    }
    EXPECT_EQ(backends.choose(now), 0U);
    EXPECT_EQ(backends.choose(now), 0U);
    EXPECT_EQ(backends.choose(now), 1U) << "as many as it has: elsewhere they are begun at once";
}

TEST_F(OwnPool, IsEjectedLikeTheOthersAndStillTheLastResort) {
    fail(backends, 0, 3);
    EXPECT_EQ(state(backends, 0), BackendState::ejected);
    EXPECT_EQ(backends.choose(now, std::nullopt, true), 1U);
    const std::vector<std::string> others{"127.0.0.1:9001", "127.0.0.1:9002"};
    backends.set_out(others);
    EXPECT_FALSE(backends.has_other());
    EXPECT_EQ(backends.choose(now, std::nullopt, true), 0U);
    EXPECT_EQ(backends.choose(now, 0, true), 0U) << "there is no other";
}

TEST_F(OwnPool, IsCheckedOnlyWhenItIsEjected) {
    BackendPolicy how = mixed();
    how.checked = true;
    Backends checked(addresses(2), how);
    EXPECT_EQ(checked.due(now), 1U);
    EXPECT_FALSE(checked.due(now));
    fail(checked, 0, 3);
    EXPECT_FALSE(checked.due(now)) << "not before its time";
    now += seconds(10);
    EXPECT_EQ(checked.due(now), 0U);
    checked.checked(0, true, now);
    EXPECT_EQ(state(checked, 0), BackendState::up);
}

TEST_F(OwnPool, ComesBackSlowly) {
    fail(backends, 0, 3);
    now += seconds(10);
    backends.checked(0, true, now);
    int own = 0;
    for (int i = 0; i < 100; ++i) {
        const auto index = backends.choose(now, std::nullopt, true);
        own += index == 0U ? 1 : 0;
        backends.done(index.value(), Outcome::good, now);
    }
    EXPECT_GE(own, 9);
    EXPECT_LE(own, 11);
}

TEST_F(BackendsTest, SendsNothingNewToThoseThatAreOut) {
    Backends backends(addresses(3), policy());
    ASSERT_EQ(backends.choose(now), 0U);
    std::vector<std::string> out{"127.0.0.1:9000", "127.0.0.1:9002", "10.0.0.1:80"};
    backends.set_out(out);
    EXPECT_EQ(shares(backends, 6), (std::map<std::size_t, int>{{1, 6}}));
    EXPECT_TRUE(view(backends, 0).out);
    EXPECT_EQ(view(backends, 0).connections, 1) << "what runs finishes";
    backends.done(0, Outcome::good, now);
    out = {"127.0.0.1:9001", "127.0.0.1:9000", "127.0.0.1:9002"};
    backends.set_out(out);
    EXPECT_FALSE(backends.choose(now));
    EXPECT_FALSE(backends.choose(now, 1));
    backends.set_out({});
    EXPECT_EQ(shares(backends, 9), (std::map<std::size_t, int>{{0, 3}, {1, 3}, {2, 3}}));
}

TEST_F(BackendsTest, EjectsNobodyWhenAllOthersAreOut) {
    Backends backends(addresses(2), policy());
    const std::vector<std::string> out{"127.0.0.1:9001"};
    backends.set_out(out);
    fail(backends, 0, 10);
    EXPECT_EQ(state(backends, 0), BackendState::up) << "at most half of those that are left";
}

} // namespace
} // namespace mpsup::accelerator
