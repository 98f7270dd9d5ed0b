// A simulation is worth what it finds: each seeded bug is found soon, and without one nothing is.
#include "tests/sim/cluster/curve.h"
#include "tests/sim/cluster/schedule.h"

#include <gtest/gtest.h>

namespace mpsup::sim {
namespace {

constexpr std::uint64_t first_seed = 1;
constexpr std::uint64_t enough = 400; // schedules, to find a bug
constexpr std::uint64_t clean = 300;  // that pass without one

class SeededClusterBug : public testing::TestWithParam<int> {};

TEST_P(SeededClusterBug, IsFound) {
    for (std::uint64_t seed = first_seed; seed < first_seed + enough; ++seed) {
        const ClusterVerdict verdict = run_cluster_schedule(seed, static_cast<ClusterBug>(GetParam()));
        if (verdict.passed || !run_cluster_schedule(seed).passed) continue; // found only if it is the bug that fails
        RecordProperty("schedules", std::to_string(seed - first_seed + 1));
        RecordProperty("violation", verdict.violation);
        return;
    }
    FAIL() << to_string(static_cast<ClusterBug>(GetParam())) << " is not found in " << enough << " schedules";
}

INSTANTIATE_TEST_SUITE_P(Each, SeededClusterBug,
                         testing::Range(static_cast<int>(ClusterBug::none) + 1, static_cast<int>(ClusterBug::count)),
                         [](const auto& bug) { return std::string(to_string(static_cast<ClusterBug>(bug.param))); });

TEST(ClusterSimulation, FindsNothingWhereNothingWasSeeded) {
    for (std::uint64_t seed = first_seed; seed < first_seed + clean; ++seed) {
        const ClusterVerdict verdict = run_cluster_schedule(seed);
        ASSERT_TRUE(verdict.passed) << "seed " << seed << ": " << verdict.violation;
    }
}

TEST(ClusterSimulation, TheSameSeedIsTheSameHistory) {
    for (std::uint64_t seed = 100; seed < 110; ++seed)
        EXPECT_EQ(run_cluster_schedule(seed).events, run_cluster_schedule(seed).events);
}

TEST(ClusterSimulation, AMachineAsksTheStoreNoMoreOftenInALargerFleet) {
    const CurvePoint small = run_curve(10, 2, 1);
    const CurvePoint large = run_curve(80, 2, 1);
    EXPECT_LT(large.operations, small.operations * 1.5 + 1);
    EXPECT_LE(large.most_out, large.allowed);
}

} // namespace
} // namespace mpsup::sim
