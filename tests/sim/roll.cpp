#include "tests/sim/roll.h"

#include "tests/sim/shell.h"

#include <algorithm>
#include <utility>

namespace mpsup::sim {

namespace {

constexpr Duration look_interval{100};
constexpr std::size_t usual_latency = 20; // bucket

} // namespace

core::RolloutPlan draw_plan(Random& random, const core::Worker& worker, const core::WorkerRules& rules) {
    core::RolloutPlan plan;
    plan.old_one = worker.serving();
    if (!rules.is_pool) return plan;
    plan.whole = rules.pool;
    plan.surge = random.between(0, 2);
    plan.unavailable = random.between(plan.surge == 0 ? 1 : 0, 1);
    if (random.one_in(3)) plan.steps.push_back({1, {}});
    if (random.one_in(4)) plan.steps.push_back({0, random.one_in(3) ? std::nullopt : std::optional(Duration(2'000))});
    if (random.one_in(2)) plan.judge = core::JudgeRule{.requests = 100, .span = Duration(10'000)};
    plan.freezes = random.one_in(6);
    plan.keeps_old = !random.one_in(6);
    plan.patience = Duration(10'000);
    return plan;
}

Roll::Roll(Shell& shell, WorkerShell& worker, core::RolloutPlan plan)
    : shell_(shell), worker_(worker), plan_(std::move(plan)), rollout_(plan_) {
    constexpr Quality qualities[] = {Quality::good, Quality::good, Quality::good, Quality::bad, Quality::broken};
    Machine& machine = shell.site().machine;
    if (machine.faults.enabled)
        quality_ = qualities[machine.random.between(0, 4)]; // the last order is for what is good
}

void Roll::begin() {
    crashes_then_ = worker_.core().crashes();
    ready_then_ = std::min(worker_.core().ready(), children_that_serve());
    tick();
}

void Roll::tick() {
    if (is_over()) return;
    if (rollout_.has_served() && plan_.judge) {
        count(new_tally_, plan_.new_one, quality_);
        count(old_tally_, plan_.old_one, Quality::good);
    }
    shell_.later(look_interval, [&shell = shell_, id = worker_.id(), number = plan_.new_one] {
        if (Roll* roll = shell.roll_of(id, number)) roll->tick();
    });
    shell_.changed(); // and that may be the end of us
}

void Roll::count(core::Tally& tally, GenerationNumber number, Quality quality) {
    Random& random = shell_.site().machine.random;
    const core::Generation* generation = worker_.core().find(number);
    if (!generation || !core::is_taking_requests(generation->phase)) return;
    const int requests = generation->ready_count() * random.between(0, 20);
    for (int i = 0; i < requests; ++i) {
        ++tally.latency.counts[usual_latency];
        if (quality == Quality::broken || (quality == Quality::bad && random.one_in(10))) ++tally.failures;
    }
}

core::RolloutView Roll::view() const {
    const core::Worker& core = worker_.core();
    core::RolloutView view;
    view.progress = core.progress(plan_.new_one);
    if (const core::Generation* generation = core.find(plan_.new_one)) view.new_ready = generation->ready_count();
    const core::Generation* old_one = core.find(plan_.old_one);
    view.old_serves = old_one && core::is_taking_requests(old_one->phase) && old_one->has_spoken;
    if (old_one) view.old_alive = old_one->is_pool ? static_cast<int>(old_one->children.size()) : 1;
    view.new_tally = new_tally_;
    view.old_tally = old_tally_;
    return view;
}

void Roll::look() {
    for (const core::RolloutOrder& order : rollout_.step(view(), shell_.site().machine.clock.now())) {
        shell_.step();
        carry_out(order);
    }
    check_capacity();
}

bool Roll::waits_for_operator() const {
    return rollout_.phase() == core::Rollout::Phase::frozen || rollout_.phase() == core::Rollout::Phase::pausing;
}

void Roll::carry_out(const core::RolloutOrder& order) {
    using Step = core::RolloutOrder::Kind;
    const Bug bug = shell_.site().bug;
    const bool is_pool = worker_.core().rules().is_pool;
    const auto children = order.children < 0 ? std::optional<int>() : std::optional(order.children);
    switch (order.kind) {
    case Step::admit_beside:
        worker_.admit_beside(plan_.new_one);
        if (bug == Bug::shrink_the_old_first && is_pool) worker_.size_generation(plan_.old_one, 0);
        return;
    case Step::size_old:
        if (is_pool) worker_.size_generation(plan_.old_one, children);
        return;
    case Step::size_new:
        if (is_pool) worker_.size_generation(plan_.new_one, children);
        return;
    case Step::settle:
        if (bug != Bug::forget_to_settle) worker_.serve_alone(plan_.new_one, plan_.keeps_old);
        shell_.site().oracle.settles(worker_.id(), plan_.new_one,
                                     quality_ != Quality::good && rollout_.judge() &&
                                         rollout_.judge()->verdict() == core::Verdict::good);
        return;
    case Step::take_back:
        if (bug != Bug::keep_what_was_taken_back) worker_.take_back(plan_.new_one);
        return;
    }
    std::unreachable();
}

// In truth. What the supervisor knows may be late: both of an end that was told to be, and of a crash.
int Roll::children_that_serve() const {
    Machine& machine = shell_.site().machine;
    return static_cast<int>(std::ranges::count_if(machine.living_of_worker(worker_.id()), [&](ProcessId id) {
        const Process& process = machine.process(id);
        if (process.kind != Kind::child || !process.told_ready) return false;
        const bool is_told = process.master != nobody && machine.process(process.master).was_told_serve;
        return process.stage == Stage::serving || (process.stage == Stage::ready && is_told); // on its way to it
    }));
}

// Below the promise by crashes only, and what they lead to.
void Roll::check_capacity() {
    const core::Worker& core = worker_.core();
    if (!rollout_.has_served() || is_over() || !core.rules().is_pool) return;
    if (core.crashes() != crashes_then_ || shell_.site().machine.faults.process > 0) return;
    const int promised = std::min(plan_.whole, ready_then_) - plan_.unavailable;
    shell_.site().oracle.check_capacity(worker_.id(), std::max(core.ready(), children_that_serve()), promised);
}

} // namespace mpsup::sim
