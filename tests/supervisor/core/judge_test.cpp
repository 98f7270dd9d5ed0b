#include "supervisor/core/judge.h"

#include <gtest/gtest.h>

#include <random>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

// Two generations behind the same clients: each request goes to one of them by chance.
class JudgeTest : public testing::Test {
protected:
    struct Release {
        double failing = 0;
        double slow = 0; // share of requests that take a second instead of a few milliseconds
    };

    void serve(Tally& tally, const Release& release) {
        const bool fails = draw_(chance_) < release.failing;
        const double ms = draw_(chance_) < release.slow ? 1000 : 2 + 4 * draw_(chance_);
        ++tally.latency.counts.at(latency_bucket(static_cast<std::uint64_t>(ms * 1000)));
        tally.failures += fails ? 1 : 0;
    }
    // So many requests to both together, a look after every twenty.
    Verdict judge(const Release& before, const Release& after, int requests, double share_of_new = 0.5) {
        Judge judge({}, start_);
        Tally old_one, new_one;
        for (int i = 0; i < requests && judge.verdict() == Verdict::open; ++i) {
            if (draw_(chance_) < share_of_new)
                serve(new_one, after);
            else
                serve(old_one, before);
            if (i % 20 == 0) judge.look(old_one, new_one, start_ + 1s);
        }
        reason_ = judge.reason();
        const auto verdict = judge.look(old_one, new_one, start_ + 30s);
        reason_ = judge.reason();
        return verdict;
    }
    int count(Verdict verdict, const Release& before, const Release& after, int requests, int runs,
              double share = 0.5) {
        int found = 0;
        for (int run = 0; run < runs; ++run) found += judge(before, after, requests, share) == verdict ? 1 : 0;
        return found;
    }

    std::mt19937_64 chance_{
        20261123}; // the same each time: what is measured is a share of cases, and is not on the edge by chance
    std::uniform_real_distribution<> draw_{0, 1};
    Time start_{Time{} + 1h};
    std::string reason_;
};

TEST_F(JudgeTest, DoesNotCallGoodWhatItCouldCompareWithNothing) {
    EXPECT_EQ(judge({}, {.failing = 0.1}, 1000, 1.0), Verdict::unjudged);
    EXPECT_NE(reason_.find("old one"), std::string::npos) << reason_;
    EXPECT_EQ(judge({}, {}, 1000, 1.0), Verdict::good) << "without a failure there is nothing to compare";
}

TEST_F(JudgeTest, CatchesOneFailureInFiftyWhereThereWereNone) {
    EXPECT_GE(count(Verdict::bad, {}, {.failing = 0.02}, 10'000, 3000), 2990);
    EXPECT_GE(count(Verdict::bad, {}, {.failing = 0.02}, 10'000, 300, 0.2), 297) << "a canary";
}

TEST_F(JudgeTest, CatchesEveryFiftiethAmongFourHundred) {
    Judge judge({}, start_);
    Tally old_one, new_one;
    for (int i = 0; i < 400; ++i) {
        serve(old_one, {});
        serve(new_one, {.failing = i % 50 == 49 ? 1.0 : 0.0});
    }
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 1s), Verdict::open) << "it waits for more";
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 30s), Verdict::bad) << "as long as it may";
    EXPECT_NE(judge.reason().find("8 of 400 requests failed"), std::string::npos) << judge.reason();
}

TEST_F(JudgeTest, DoesNotBlameTheNewOneForWhatTheOldOneHasToo) {
    EXPECT_LE(count(Verdict::bad, {.failing = 0.02}, {.failing = 0.02}, 10'000, 1000), 3);
    EXPECT_LE(count(Verdict::bad, {.failing = 0.3}, {.failing = 0.3}, 4'000, 300), 3);
    EXPECT_EQ(count(Verdict::bad, {.failing = 0.001}, {.failing = 0.001}, 4'000, 300), 0);
    EXPECT_EQ(count(Verdict::bad, {.failing = 0.1}, {.failing = 0.0}, 4'000, 100), 0) << "nor when it is better";
}

TEST_F(JudgeTest, PassesAGoodReleaseAsSoonAsItHasSeenEnough) {
    Judge judge({}, start_);
    Tally old_one, new_one;
    for (int i = 0; i < 399; ++i) serve(old_one, {}), serve(new_one, {});
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 1s), Verdict::open);
    serve(new_one, {});
    for (int i = 0; i < 50; ++i) serve(new_one, {});
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 2s), Verdict::good);
}

TEST_F(JudgeTest, CatchesAReleaseThatFailsAlwaysAtOnce) {
    Judge judge({}, start_);
    Tally old_one, new_one;
    for (int i = 0; i < 30; ++i) serve(old_one, {}), serve(new_one, {.failing = 1});
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 1s), Verdict::bad);
}

TEST_F(JudgeTest, CountsADeathAsAFailedRequest) {
    Judge judge({}, start_);
    Tally old_one, new_one;
    for (int i = 0; i < 200; ++i) serve(old_one, {}), serve(new_one, {});
    new_one.deaths = 20; // one in eleven
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 30s), Verdict::unjudged) << "of too few requests, it is the end";
    Judge second({.requests = 200, .span = 30s}, start_);
    EXPECT_EQ(second.look(old_one, new_one, start_ + 1s), Verdict::bad);
    EXPECT_NE(second.reason().find("by the death of a child"), std::string::npos);
}

TEST_F(JudgeTest, FindsWhatNeverAnswers) {
    Tally old_one, new_one;
    for (int i = 0; i < 500; ++i) serve(old_one, {});
    new_one.stuck = 4;
    Judge judge({}, start_);
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 10s), Verdict::open);
    EXPECT_EQ(judge.look(old_one, new_one, start_ + 30s), Verdict::bad) << judge.reason();
    EXPECT_NE(judge.reason().find("have no answer"), std::string::npos) << judge.reason();
    old_one.stuck = 4;
    Judge fair({}, start_);
    EXPECT_NE(fair.look(old_one, new_one, start_ + 30s), Verdict::good);
}

TEST_F(JudgeTest, IsNotHeldUpByCountsThatCannotBe) {
    Tally absurd;
    absurd.latency.counts.fill(0xffff'ffff);
    absurd.failures = absurd.latency.total() / 110;
    Judge judge({}, start_);
    Tally old_one = absurd;
    old_one.failures += 1'000'000;
    (void)judge.look(old_one, absurd, start_ + 30s); // in no time
    EXPECT_NE(judge.verdict(), Verdict::open);
}

TEST_F(JudgeTest, LeavesItToTheGateWhenNobodyAsks) {
    EXPECT_EQ(judge({}, {}, 0), Verdict::unjudged);
    EXPECT_EQ(judge({}, {.failing = 0.02}, 100), Verdict::unjudged);
}

TEST_F(JudgeTest, CatchesWhatHasBecomeSlow) {
    EXPECT_EQ(count(Verdict::bad, {.slow = 0.01}, {.slow = 0.3}, 4'000, 50), 50);
    EXPECT_LE(count(Verdict::bad, {.slow = 0.05}, {.slow = 0.05}, 4'000, 300), 1) << "right at the percentile";
    EXPECT_EQ(count(Verdict::bad, {.slow = 0.3}, {.slow = 0.3}, 4'000, 100), 0);
}

TEST_F(JudgeTest, ComparesGrowthAfterTenMinutes) {
    const auto grow = [&](double mib_a_minute, Duration span) {
        MemorySlope slope;
        for (Duration at{0}; at <= span; at += 10s) {
            const double minutes = std::chrono::duration<double, std::ratio<60>>(at).count();
            slope.add(start_ + at,
                      static_cast<std::uint64_t>((50 + mib_a_minute * minutes + draw_(chance_)) * (1 << 20)));
        }
        return slope;
    };
    Judge judge({}, start_);
    EXPECT_EQ(judge.look(grow(0, 5min), grow(10, 5min)), Verdict::open) << "too early to say";
    EXPECT_EQ(judge.look(grow(0, 11min), grow(10, 11min)), Verdict::open) << "two minutes are for warming up";
    EXPECT_EQ(judge.look(grow(3, 12min), grow(3, 12min)), Verdict::open) << "the old one grows too";
    EXPECT_EQ(judge.look(grow(0, 12min), grow(5, 12min)), Verdict::bad);
}

TEST(Chances, AreThoseOfTheBooks) {
    EXPECT_NEAR(chance_of_as_many(20, 10, 10, 8), 0.0115, 0.0001); // the lady tasting tea, of ten and ten
    EXPECT_NEAR(chance_of_as_many(8, 4, 4, 4), 1.0 / 70, 1e-9);
    EXPECT_NEAR(chance_of_as_many(10, 3, 5, 0), 1, 1e-9);
    EXPECT_NEAR(chance_of_as_few(400, 0.02, 0), 0.000309, 0.00001);
    EXPECT_NEAR(chance_of_as_few(10, 0.5, 5), 0.623, 0.001);
}

} // namespace
} // namespace mpsup::core
