#include "supervisor/core/adoption.h"
#include "supervisor/core/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace mpsup::core {
namespace {

using namespace std::chrono_literals;

const Time start{1h};

RecordedProcess light(pid_t pid) { return {"u" + std::to_string(pid), "static", 3, false, pid, 77}; }
RecordedProcess master(pid_t pid) { return {"u" + std::to_string(pid), "app", 5, false, pid, 77}; }
RecordedProcess child(pid_t pid) { return {"u" + std::to_string(pid), "app", 5, true, pid, 77}; }

Claimant claim(const RecordedProcess& record) {
    return {record.worker, record.generation, record.is_child, record.pid, record.start_time, record.start_time};
}

Adoption of(std::vector<RecordedProcess> alive) { return {std::move(alive), start, 5s}; }

// Who is who

TEST(AdoptionTest, KnowsTheRecordedProcess) {
    const Adoption adoption = of({light(10)});
    EXPECT_EQ(adoption.judge(claim(light(10))), ClaimVerdict::recorded);
}

TEST(AdoptionTest, TakesWhatNobodyRecordedForWhatItSays) {
    const Adoption adoption = of({light(10)});
    EXPECT_EQ(adoption.judge(claim(light(11))), ClaimVerdict::unrecorded);
}

TEST(AdoptionTest, TheKernelsStartTimeDecides) {
    const Adoption adoption = of({light(10)});
    Claimant reused = claim(light(10));
    reused.start_time_kernel = reused.start_time_said = 78; // honest about itself, but another than was recorded
    EXPECT_EQ(adoption.judge(reused), ClaimVerdict::impostor);
    Claimant liar = claim(light(10));
    liar.start_time_kernel = 78;
    EXPECT_EQ(adoption.judge(liar), ClaimVerdict::impostor);
    Claimant unrecorded_liar = claim(light(11));
    unrecorded_liar.start_time_kernel = 78;
    EXPECT_EQ(adoption.judge(unrecorded_liar), ClaimVerdict::impostor);
}

TEST(AdoptionTest, WhatIsGoneIsNobody) {
    const Adoption adoption = of({light(10)});
    Claimant gone = claim(light(10));
    gone.start_time_kernel = 0;
    EXPECT_EQ(adoption.judge(gone), ClaimVerdict::impostor);
    gone.start_time_said = 0;
    EXPECT_EQ(adoption.judge(gone), ClaimVerdict::impostor);
}

TEST(AdoptionTest, WhatItSaysIsWhatWasRecorded) {
    const Adoption adoption = of({light(10)});
    Claimant other_worker = claim(light(10));
    other_worker.worker = "app";
    EXPECT_EQ(adoption.judge(other_worker), ClaimVerdict::impostor);
    Claimant other_generation = claim(light(10));
    other_generation.generation = 4;
    EXPECT_EQ(adoption.judge(other_generation), ClaimVerdict::impostor);
}

TEST(AdoptionTest, AChildMayHaveBecomeAMasterAndNeverTheOtherWayRound) {
    const Adoption adoption = of({master(20), child(21)});
    Claimant promoted = claim(child(21));
    promoted.is_child = false;
    EXPECT_EQ(adoption.judge(promoted), ClaimVerdict::recorded);
    Claimant demoted = claim(master(20));
    demoted.is_child = true;
    EXPECT_EQ(adoption.judge(demoted), ClaimVerdict::impostor);
}

// For whom to wait

TEST(AdoptionTest, NobodyToWaitForIsComplete) {
    EXPECT_TRUE(Adoption{}.is_complete());
    EXPECT_TRUE(of({}).is_complete());
}

TEST(AdoptionTest, WaitsForEveryLightProcessAndMasterButNotForTheirChildren) {
    Adoption adoption = of({light(10), master(20), child(21), child(22)});
    EXPECT_EQ(adoption.deadline(), start + 5s);
    EXPECT_FALSE(adoption.is_complete());
    EXPECT_EQ(adoption.arrived(20), master(20));
    EXPECT_FALSE(adoption.is_complete());
    EXPECT_EQ(adoption.arrived(10), light(10));
    EXPECT_TRUE(adoption.is_complete());
    EXPECT_EQ(adoption.missing().size(), 2U);
}

TEST(AdoptionTest, OneOrphanIsEnoughOfAPool) {
    Adoption adoption = of({child(21), child(22)});
    EXPECT_FALSE(adoption.is_complete());
    EXPECT_EQ(adoption.arrived(21), child(21));
    EXPECT_TRUE(adoption.is_complete());
}

TEST(AdoptionTest, WhatHasEndedIsNotWaitedFor) {
    Adoption adoption = of({light(10)});
    adoption.gone(10);
    EXPECT_TRUE(adoption.is_complete());
    EXPECT_EQ(adoption.arrived(10), std::nullopt);
}

TEST(AdoptionTest, ArrivesOnce) {
    Adoption adoption = of({light(10)});
    EXPECT_TRUE(adoption.arrived(10));
    EXPECT_FALSE(adoption.arrived(10));
    EXPECT_EQ(adoption.judge(claim(light(10))), ClaimVerdict::unrecorded);
}

TEST(AdoptionTest, AStrangersArrivalMakesNoGenerationHeard) {
    Adoption adoption = of({child(21)});
    EXPECT_FALSE(adoption.arrived(99));
    EXPECT_FALSE(adoption.is_complete());
}

// A worker that takes over

} // namespace
} // namespace mpsup::core
