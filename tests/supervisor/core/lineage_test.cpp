#include "supervisor/core/lineage.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

const Time now{1h};

WorkerRules pool_rules() {
    WorkerRules rules;
    rules.is_pool = true;
    rules.pool = 2;
    return rules;
}

std::vector<GenerationNumber> numbers(const Lineage& line) {
    std::vector<GenerationNumber> all;
    for (const Generation& generation : line.all()) all.push_back(generation.number);
    return all;
}

TEST(LineageTest, NumbersGoOnFromTheHighestThatIsKnown) {
    Lineage line{WorkerRules()};
    line.enter(7);
    EXPECT_EQ(line.begin(now).number, 8U);
    line.continue_after(20);
    line.continue_after(3);
    EXPECT_EQ(line.begin(now).number, 21U);
}

TEST(LineageTest, IsInOrderOfAgeWhoeverIsEnteredFirst) {
    Lineage line{WorkerRules()};
    for (const GenerationNumber number : {5, 3, 9, 3}) line.enter(number);
    EXPECT_EQ(numbers(line), (std::vector<GenerationNumber>{3, 5, 9}));
}

TEST(LineageTest, WhatIsEnteredAgainStaysAsItIs) {
    Lineage line{WorkerRules()};
    line.enter(3).trouble = "some";
    EXPECT_EQ(line.enter(3).trouble, "some");
}

TEST(LineageTest, AsksTheShellToSpawnWhatBegins) {
    Lineage line{WorkerRules()};
    line.begin(now);
    const Effects effects = line.take_effects();
    ASSERT_EQ(effects.size(), 1U);
    EXPECT_EQ(std::get<Spawn>(effects.front()).generation, 1U);
    EXPECT_TRUE(line.take_effects().empty());
}

TEST(LineageTest, RemembersWhatBecameOfTheLatestThatAreGone) {
    Lineage line{WorkerRules()};
    for (int i = 0; i < 9; ++i) {
        Generation& generation = line.begin(now);
        generation.trouble = "trouble " + std::to_string(generation.number);
        generation.ready_since = now;
        line.bury(generation);
    }
    EXPECT_EQ(line.trouble(2), "trouble 2");
    EXPECT_EQ(line.progress(2), Progress::over);
    EXPECT_EQ(line.trouble(1), "") << "that is long ago";
}

TEST(LineageTest, HandsOutWhatItBuries) {
    Lineage line{WorkerRules()};
    Generation& generation = line.begin(now);
    generation.trouble = "syntax error";
    const Generation ended = line.bury(generation);
    EXPECT_EQ(ended.trouble, "syntax error");
    EXPECT_TRUE(line.all().empty());
    EXPECT_EQ(line.progress(ended.number), Progress::did_not_make_it);
}

TEST(LineageTest, RetiresOnlyThoseOnTheirWayThatAreOlder) {
    Lineage line{WorkerRules()};
    for (int i = 0; i < 3; ++i) line.begin(now);
    line.find(1)->enter(Phase::serving, line.rules().limits, now);
    line.retire_coming_before(3, now);
    EXPECT_EQ(line.find(1)->phase, Phase::serving);
    EXPECT_EQ(line.find(2)->phase, Phase::killing);
    EXPECT_EQ(line.find(3)->phase, Phase::launching);
    line.retire_coming(now);
    EXPECT_EQ(line.find(3)->phase, Phase::killing);
}

TEST(LineageTest, WantsWhatThoseWantThatServe) {
    Lineage line{pool_rules()};
    EXPECT_EQ(line.wanted(), 2) << "nobody serves";
    Generation& generation = line.begin(now);
    generation.wanted = 7;
    EXPECT_EQ(line.wanted(), 2);
    generation.enter(Phase::serving, line.rules().limits, now);
    EXPECT_EQ(line.wanted(), 7);
}

TEST(LineageTest, ThePhaseAndTheSuccessionHaveDeadlines) {
    Lineage line{pool_rules()};
    Generation& generation = line.begin(now);
    EXPECT_EQ(line.next_deadline(), now + line.rules().limits.hello);
    generation.succession.open(now + 1s);
    EXPECT_EQ(line.next_deadline(), now + 1s);
    line.on_pause(1min);
    EXPECT_EQ(line.next_deadline(), now + 61s);
    EXPECT_FALSE(line.lapse_successions(now + 60s));
    EXPECT_TRUE(line.lapse_successions(now + 61s));
    EXPECT_EQ(line.next_deadline(), now + line.rules().limits.hello + 1min);
}

TEST(LineageTest, SaysWhyItEndsWhatIsOverdue) {
    Lineage line{WorkerRules()};
    line.begin(now);
    line.end_overdue(now + 9s);
    EXPECT_EQ(line.find(1)->phase, Phase::launching);
    (void)line.take_effects();
    line.end_overdue(now + 10s);
    EXPECT_EQ(line.find(1)->trouble, "said nothing for 10.0 s after it was started");
    const Effects effects = line.take_effects();
    EXPECT_TRUE(
        std::ranges::any_of(effects, [](const Effect& effect) { return std::holds_alternative<Kill>(effect); }));
}

} // namespace
} // namespace mpsup::core
