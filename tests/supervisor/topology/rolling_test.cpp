#include "supervisor/topology/topology.h"

#include "site_folder.h"
#include "supervisor/topology/diff.h"
#include "supervisor/topology/load.h"
#include "supervisor/topology/resolve.h"

namespace mpsup::topology {
namespace {

using namespace std::chrono_literals;

TEST(Share, IsANumberOrAPartRoundedUp) {
    EXPECT_EQ(parse_share("3")->of(10), 3);
    EXPECT_EQ(parse_share("25%")->of(4), 1);
    EXPECT_EQ(parse_share("25%")->of(5), 2);
    EXPECT_EQ(parse_share("1%")->of(4), 1);
    EXPECT_EQ(parse_share("100%")->of(7), 7);
    for (const char* text : {"", "%", "-1", "101%", "1001", "1.5", "1 %", "x", "99999999999999999999"})
        EXPECT_FALSE(parse_share(text)) << text;
}

TEST(RollStep, IsAShareOrAPause) {
    EXPECT_EQ(parse_roll_step("25%")->share, (Share{25, true}));
    EXPECT_EQ(parse_roll_step("pause 1m")->pause, Duration(1min));
    EXPECT_FALSE(parse_roll_step("pause")->pause) << "until somebody says more";
    for (const char* text : {"0", "0%", "pause 5", "pauses", "pause soon", ""})
        EXPECT_FALSE(parse_roll_step(text)) << text;
}

class RollingKeys : public SiteFolder {
protected:
    [[nodiscard]] Rolling rolling_of(const std::string& keys) const {
        const auto loaded = load(dynamic_worker("rolling: " + keys));
        EXPECT_TRUE(loaded) << format_problems(loaded.error());
        return loaded ? loaded->workers[0].rolling : Rolling{};
    }
};

TEST_F(RollingKeys, AreAllRead) {
    const auto rolling = rolling_of("{surge: 2, unavailable: 10%, gate: {passes: 5, min_healthy: 10s, deadline: 2m}, "
                                    "judge: {requests: 100, for: 1m, skip_first: 5}, on_failure: freeze, "
                                    "steps: [1, 25%, pause 1m, pause, 100%], keep: 0s}");
    EXPECT_EQ(rolling.surge, (Share{2, false}));
    EXPECT_EQ(rolling.unavailable, (Share{10, true}));
    EXPECT_EQ(std::tuple(rolling.passes, rolling.min_healthy, rolling.deadline), std::tuple(5, 10s, 2min));
    EXPECT_EQ(rolling.judge, (Judge{{}, 100, 60s, 5}));
    EXPECT_EQ(rolling.on_failure, OnFailure::freeze);
    EXPECT_EQ(rolling.steps, (std::vector<std::string>{"1", "25%", "pause 1m", "pause", "100%"}));
    EXPECT_EQ(rolling.keep, 0s);
}

TEST_F(RollingKeys, JudgeWhenSomethingOfItIsWritten) {
    EXPECT_FALSE(rolling_of("{surge: 1}").judge.is_on());
    EXPECT_TRUE(rolling_of("{judge: on}").judge.is_on());
    EXPECT_TRUE(rolling_of("{judge: {requests: 400}}").judge.is_on());
    EXPECT_FALSE(rolling_of("{judge: off}").judge.is_on());
    EXPECT_FALSE(rolling_of("{judge: {when: off, requests: 400}}").judge.is_on());
}

TEST_F(RollingKeys, AreRefusedByPlace) {
    EXPECT_EQ(problems(dynamic_worker("rolling: {surge: some}")),
              "4:18 `surge` must be a number of children, from 0 to 1000, or a percentage of them, up to 100%; "
              "found `some`\n");
    EXPECT_EQ(problems(dynamic_worker("rolling: {surge: 0, unavailable: 0%}")),
              "4:18 `surge` and `unavailable` are both 0: no child of the new generation could ever come\n");
    EXPECT_EQ(problems(dynamic_worker("rolling: {steps: [pause, 1]}")),
              "4:19 `steps` begins with a pause; nothing of the new generation serves before a number or a "
              "percentage\n");
    EXPECT_EQ(problems(dynamic_worker("rolling: {steps: [1, wait]}")),
              "4:22 `steps` must be numbers or percentages of children and pauses: [1, 25%, pause 1m, 100%]; found "
              "`wait`\n");
    EXPECT_EQ(problems(static_worker("rolling: {judge: on}")),
              "4:11 `judge` is for dynamic workers (whether the new generation answers as well as the old one, on the "
              "same traffic); this one is static\n");
}

TEST_F(RollingKeys, SurviveTheResolvedDocument) {
    const auto loaded =
        load(dynamic_worker("rolling: {surge: 2, gate: {passes: 5}, judge: {for: 1m}, steps: [1, pause]}"));
    ASSERT_TRUE(loaded);
    const auto parsed = from_document(to_document(*loaded));
    ASSERT_TRUE(parsed) << parsed.error().to_string();
    EXPECT_EQ(*parsed, *loaded);
}

TEST_F(RollingKeys, ShowInADiffUnderTheirOwnName) {
    const auto before = load(dynamic_worker("pool: 2"));
    const auto after = load(dynamic_worker("pool: 2, rolling: {gate: {passes: 5}}"));
    EXPECT_EQ(diff(*before, *after).changed.at(0).keys, (std::vector<std::string>{"rolling.gate.passes"}));
}

} // namespace
} // namespace mpsup::topology
