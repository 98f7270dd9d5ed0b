#include "supervisor/core/lifecycle.h"

#include <gtest/gtest.h>

#include <array>

namespace mpsup::core {
namespace {

constexpr std::array phases{Phase::launching, Phase::loading,  Phase::gating,   Phase::standby, Phase::serving,
                            Phase::orphaned,  Phase::sleeping, Phase::draining, Phase::killing, Phase::gone};
constexpr std::array triggers{Trigger::hello,   Trigger::ready, Trigger::passed, Trigger::admit,
                              Trigger::retire,  Trigger::sleep, Trigger::wake,   Trigger::master_lost,
                              Trigger::adopted, Trigger::lost,  Trigger::overdue};

TEST(Lifecycle, LeadsFromLaunchToServingStepByStep) {
    EXPECT_EQ(transition(Phase::launching, Trigger::hello), (Transition{Phase::loading, Action::send_go}));
    EXPECT_EQ(transition(Phase::loading, Trigger::ready), (Transition{Phase::gating, Action::open_gate}));
    EXPECT_EQ(transition(Phase::gating, Trigger::passed), (Transition{Phase::standby, Action::none}));
    EXPECT_EQ(transition(Phase::standby, Trigger::admit), (Transition{Phase::serving, Action::send_serve}));
}

TEST(Lifecycle, LetsNobodyServeThatDidNotPassItsGate) {
    for (const Phase phase : phases)
        for (const Trigger trigger : triggers) {
            const auto step = transition(phase, trigger);
            if (step.next == Phase::serving && phase == Phase::orphaned) {
                EXPECT_EQ(trigger, Trigger::adopted) << "it had passed long ago";
            } else if (step.next == Phase::serving && phase == Phase::sleeping) {
                EXPECT_EQ(trigger, Trigger::wake) << "it had served before";
            } else if (step.next == Phase::serving && phase != Phase::serving) {
                EXPECT_EQ(phase, Phase::standby);
                EXPECT_EQ(trigger, Trigger::admit);
            }
            if (step.action == Action::send_serve) {
                EXPECT_EQ(step.next, Phase::serving);
            }
        }
}

TEST(Lifecycle, EndsWhateverPhaseItWasInWhenNoProcessIsLeft) {
    for (const Phase phase : phases) EXPECT_EQ(transition(phase, Trigger::lost).next, Phase::gone);
}

TEST(Lifecycle, NeverLeavesGone) {
    for (const Trigger trigger : triggers)
        EXPECT_EQ(transition(Phase::gone, trigger), (Transition{Phase::gone, Action::none}));
}

TEST(Lifecycle, OnlyTheKernelEndsKilling) {
    for (const Trigger trigger : triggers) {
        const auto step = transition(Phase::killing, trigger);
        EXPECT_EQ(step.next, trigger == Trigger::lost ? Phase::gone : Phase::killing);
    }
    EXPECT_EQ(transition(Phase::killing, Trigger::overdue).action, Action::kill) << "and it is killed again";
}

TEST(Lifecycle, DrainsWhatCanServeAndKillsWhatCannot) {
    for (const Phase phase : {Phase::gating, Phase::standby, Phase::serving, Phase::orphaned})
        EXPECT_EQ(transition(phase, Trigger::retire), (Transition{Phase::draining, Action::send_drain}));
    for (const Phase phase : {Phase::launching, Phase::loading})
        EXPECT_EQ(transition(phase, Trigger::retire), (Transition{Phase::killing, Action::kill}));
}

TEST(Lifecycle, LetsChildrenServeOnWithoutTheirMaster) {
    EXPECT_EQ(transition(Phase::serving, Trigger::master_lost), (Transition{Phase::orphaned, Action::none}));
    EXPECT_TRUE(is_taking_requests(Phase::orphaned));
}

TEST(Lifecycle, LetsOnlyWhatServesSleep) {
    for (const Phase phase : phases)
        for (const Trigger trigger : triggers)
            if (transition(phase, trigger).next == Phase::sleeping && phase != Phase::sleeping) {
                EXPECT_EQ(std::pair(phase, trigger), std::pair(Phase::serving, Trigger::sleep));
            }
    EXPECT_EQ(transition(Phase::sleeping, Trigger::wake), (Transition{Phase::serving, Action::send_wake}));
    EXPECT_EQ(transition(Phase::sleeping, Trigger::overdue), (Transition{Phase::draining, Action::send_drain}));
    EXPECT_FALSE(is_taking_requests(Phase::sleeping) || is_coming(Phase::sleeping));
}

TEST(Lifecycle, NeverBringsBackWhatIsLeaving) {
    for (const Phase phase : {Phase::draining, Phase::killing, Phase::gone})
        for (const Trigger trigger : triggers) {
            const Phase next = transition(phase, trigger).next;
            EXPECT_FALSE(is_coming(next) || is_taking_requests(next))
                << to_string(phase) << " became " << to_string(next);
        }
}

TEST(Lifecycle, PutsADeadlineOnlyWhereItMayKill) {
    for (const Phase phase : {Phase::standby, Phase::serving, Phase::orphaned})
        EXPECT_EQ(transition(phase, Trigger::overdue), (Transition{phase, Action::none}));
}

} // namespace
} // namespace mpsup::core
