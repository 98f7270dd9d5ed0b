// One worker's new generation takes the place of the old one, as supervisor/daemon/rollout_driver.cpp has it, with traffic that
// does not exist either.
#pragma once

#include "supervisor/core/rollout.h"
#include "tests/sim/machine.h"

namespace mpsup::sim {

class Shell;
class WorkerShell;

/// What clients get from a release.
enum class Quality { good, bad, broken };

/// Draws how a worker is rolled, as a topology might say.
[[nodiscard]] core::RolloutPlan draw_plan(Random& random, const core::Worker& worker, const core::WorkerRules& rules);

class Roll {
public:
    Roll(Shell& shell, WorkerShell& worker, core::RolloutPlan plan);

    /// Once the new generation stands by: then it looks again every 100 ms by itself.
    void begin();
    /// Something may have changed.
    void look();
    void promote() { rollout_.promote(); }
    void abort() { rollout_.abort("it was aborted"); }

    [[nodiscard]] bool is_over() const { return rollout_.is_over(); }
    [[nodiscard]] bool has_settled() const { return rollout_.phase() == core::Rollout::Phase::settled; }
    [[nodiscard]] bool waits_for_operator() const;
    [[nodiscard]] const core::RolloutPlan& plan() const { return plan_; }

private:
    void tick();
    void count(core::Tally& tally, GenerationNumber number, Quality quality);
    [[nodiscard]] core::RolloutView view() const;
    void carry_out(const core::RolloutOrder& order);
    [[nodiscard]] int children_that_serve() const;
    void check_capacity();

    Shell& shell_;
    WorkerShell& worker_;
    core::RolloutPlan plan_;
    core::Rollout rollout_;
    Quality quality_ = Quality::good;
    core::Tally new_tally_, old_tally_;
    int crashes_then_ = 0; // of the worker, when it began
    int ready_then_ = 0;
};

} // namespace mpsup::sim
