#include "supervisor/daemon/rollout_driver.h"

#include "base/units.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/last_words.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto look_interval = std::chrono::milliseconds(100); // at what children count: nobody tells us of it

std::string title(const WorkerHandle& worker, core::GenerationNumber number) {
    return worker.spec().name + " generation " + std::to_string(number);
}

core::RolloutView view_of(const WorkerHandle& worker, const core::RolloutPlan& plan) {
    const core::Worker& core = worker.core();
    core::RolloutView view;
    view.progress = core.progress(plan.new_one);
    if (const core::Generation* generation = core.find(plan.new_one)) view.new_ready = generation->ready_count();
    const core::Generation* old_one = core.find(plan.old_one);
    view.old_serves = old_one && core::is_taking_requests(old_one->phase) && old_one->has_spoken;
    if (old_one) view.old_alive = old_one->is_pool ? static_cast<int>(old_one->children.size()) : 1;
    view.new_tally = worker.tally(plan.new_one);
    view.old_tally = worker.tally(plan.old_one);
    if (view.new_tally.failures > 0) view.new_failure = worker.failure_of(plan.new_one);
    view.new_memory = worker.memory_of_child(plan.new_one);
    view.old_memory = worker.memory_of_child(plan.old_one);
    return view;
}

void carry_out(WorkerHandle& worker, const core::RolloutPlan& plan, const core::RolloutOrder& order) {
    const bool is_pool = worker.core().rules().is_pool;
    const auto children = order.children < 0 ? std::optional<int>() : std::optional(order.children);
    switch (order.kind) {
    case core::RolloutOrder::Kind::admit_beside:
        worker.begin_counting(plan.old_one);
        worker.admit_beside(plan.new_one);
        return;
    case core::RolloutOrder::Kind::size_old:
        if (is_pool) worker.size_generation(plan.old_one, children);
        return;
    case core::RolloutOrder::Kind::size_new:
        if (is_pool) worker.size_generation(plan.new_one, children);
        return;
    case core::RolloutOrder::Kind::settle: worker.serve_alone(plan.new_one, plan.keeps_old); return;
    case core::RolloutOrder::Kind::take_back: worker.take_back(plan.new_one); return;
    }
}

std::string outcome_of(const core::Rollout& rollout) {
    std::string text = std::string(core::to_string(rollout.phase()));
    if (!rollout.why().empty()) text += ": " + rollout.why();
    if (const auto& judge = rollout.judge()) text += ", judged " + std::string(core::to_string(judge->verdict()));
    return text;
}

// Of one that goes on.
std::string describe(const core::Rollout& rollout, Clock::time_point now) {
    using Phase = core::Rollout::Phase;
    std::string text(core::to_string(rollout.phase()));
    const auto until = rollout.pause_ends();
    if (rollout.phase() == Phase::pausing && until && *until - now < std::chrono::days(1))
        text += " for " + format_duration(std::chrono::round<std::chrono::milliseconds>(*until - now));
    if (!rollout.why().empty()) text += ": " + rollout.why();
    if (rollout.phase() == Phase::pausing || rollout.phase() == Phase::frozen) text += " (mpsup promote, mpsup abort)";
    return text;
}

// Clients go to whoever has waited longest; so that both generations get some, each is sent to the end of the queue in turn.
class Turns {
public:
    void look(WorkerHandle& worker, const core::RolloutPlan& plan, Clock::time_point now) {
        if (now < next_) return;
        next_ = now + look_interval;
        new_one_first_ = !new_one_first_;
        worker.offer_clients_last(new_one_first_ ? plan.old_one : plan.new_one);
    }

private:
    bool new_one_first_ = false;
    Clock::time_point next_{};
};

} // namespace

core::RolloutPlan plan_of(const core::Worker& worker, const topology::WorkerSpec& spec, bool fast) {
    core::RolloutPlan plan;
    plan.old_one = worker.serving();
    const core::Generation* old_one = worker.find(plan.old_one);
    if (spec.kind != topology::Kind::dynamic) return plan;
    const auto sized = spec.pool.sized();
    const int begin = sized.mode == topology::PoolMode::fixed ? sized.max : sized.min;
    plan.whole = std::max({1, begin, old_one ? old_one->ready_count() : 0});
    if (sized.max > 0) plan.whole = std::min(plan.whole, sized.max);
    plan.surge = plan.whole;
    if (fast) return plan;
    plan.surge = spec.rolling.surge.of(plan.whole);
    plan.unavailable = spec.rolling.unavailable.of(plan.whole);
    if (plan.surge == 0 && plan.unavailable >= plan.whole) plan.surge = 1; // start first: also a pool of one
    for (const std::string& text : spec.rolling.steps) {
        const auto step = topology::parse_roll_step(text).value_or(topology::RollStep{});
        plan.steps.push_back({step.share ? std::clamp(step.share->of(plan.whole), 1, plan.whole) : 0, step.pause});
    }
    const topology::Judge& judge = spec.rolling.judge;
    core::JudgeRule rule;
    if (judge.requests) rule.requests = static_cast<std::uint64_t>(*judge.requests);
    if (judge.span) rule.span = *judge.span;
    if (judge.is_on()) plan.judge = rule;
    plan.freezes = spec.rolling.on_failure == topology::OnFailure::freeze;
    plan.patience = std::max<core::Duration>(spec.rolling.deadline, spec.stop.grace);
    return plan;
}

bool is_tried(const topology::WorkerSpec& spec) {
    core::RolloutPlan plan = plan_of(core::Worker(rules_of(spec)), spec, false);
    plan.old_one = 1;
    return !plan.is_at_once();
}

asio::awaitable<core::Rollout> run_rollout(Site& site, std::shared_ptr<WorkerHandle> worker, core::RolloutPlan plan,
                                           ProgressReport& progress, bool until_gone) {
    constexpr std::int64_t usually_skipped = 20;
    Surroundings& around = site.around();
    const auto skip = static_cast<std::uint64_t>(worker->spec().rolling.judge.skip_first.value_or(usually_skipped));
    core::Rollout rollout(plan);
    Turns turns;
    const std::string name = worker->spec().name;
    around.rollout = {name, title(*worker, plan.new_one) + " is being loaded and probed", false, false};
    progress.take_for_granted(worker->core(), plan.old_one);
    around.history.worker_event(state::EventKind::rollout_started, name, worker->core(),
                                "generation " + std::to_string(plan.new_one));
    auto phase = rollout.phase();
    core::Verdict verdict_then = core::Verdict::open;
    for (;;) {
        const auto now = Clock::now();
        if (std::exchange(around.rollout.promote, false)) rollout.promote();
        if (std::exchange(around.rollout.abort, false)) rollout.abort("it was aborted");
        const bool compares = rollout.has_served() && plan.judge;
        if (compares) {
            worker->count_traffic(plan.old_one, 0);
            worker->count_traffic(plan.new_one, skip);
        }
        progress.look(name, worker->core(), plan.new_one);
        for (const core::RolloutOrder& order : rollout.step(view_of(*worker, plan), now))
            carry_out(*worker, plan, order);
        progress.look(name, worker->core(), plan.new_one);
        progress.look(name, worker->core(), plan.old_one);
        const auto& judge = rollout.judge();
        const auto verdict_now = judge ? judge->verdict() : core::Verdict::open;
        if (verdict_now != core::Verdict::open && std::exchange(verdict_then, verdict_now) != verdict_now) {
            const std::string verdict = std::string(core::to_string(judge->verdict())) + ": " + judge->reason();
            progress.say(title(*worker, plan.new_one) + " is judged " + verdict);
            around.history.worker_event(state::EventKind::judged, name, worker->core(), verdict);
        }
        if (std::exchange(phase, rollout.phase()) != rollout.phase() && !rollout.is_over()) {
            around.rollout.doing = title(*worker, plan.new_one) + " is " + describe(rollout, now);
            progress.say(around.rollout.doing);
        }
        if (rollout.is_over()) break;
        if (compares && judge && judge->verdict() == core::Verdict::open) turns.look(*worker, plan, now);
        auto next = rollout.next_look();
        if (rollout.phase() == core::Rollout::Phase::rolling) next = now + look_interval;
        co_await around.changed.wait_until(next.value_or(Clock::time_point::max())); // its phases have deadlines
    }
    around.rollout = {};
    for (;;) { // draining has a deadline, and after it comes SIGKILL
        const core::Generation* leaving =
            worker->core().find(rollout.phase() == core::Rollout::Phase::settled ? plan.old_one : plan.new_one);
        progress.look(name, worker->core(), plan.new_one);
        progress.look(name, worker->core(), plan.old_one);
        if (!until_gone || !leaving || leaving->is_asleep()) break;
        co_await around.changed.wait_until(Clock::time_point::max());
    }
    const RollEnd how = rollout.phase() == core::Rollout::Phase::settled ? RollEnd::settled
                        : rollout.has_served()                           ? RollEnd::taken_back
                                                                         : RollEnd::never_served;
    end_roll(site, *worker, plan.new_one, how, outcome_of(rollout));
    co_return rollout;
}

void end_roll(Site& site, const WorkerHandle& worker, core::GenerationNumber number, RollEnd how, std::string text) {
    Surroundings& around = site.around();
    around.history.worker_event(state::EventKind::rollout_finished, worker.spec().name, worker.core(), text);
    if (!around.hooks) return;
    HookEvent event{.point = topology::HookPoint::post_roll,
                    .worker = worker.spec().name,
                    .generation = number,
                    .reason = std::move(text),
                    .alert = {}};
    around.hooks->fire(worker.spec().hooks, event);
    if (how != RollEnd::taken_back) return;
    event.alert = "rollout_taken_back";
    around.hooks->alert(worker.spec().hooks, std::move(event));
}

std::string describe_failure(Site& site, const WorkerHandle& worker, const core::RolloutPlan& plan,
                             const core::Rollout& rollout, std::uint64_t log_start) {
    const std::string& trouble = worker.core().trouble(plan.new_one);
    std::string text = title(worker, plan.new_one);
    if (!rollout.has_served())
        text += " did not become ready: " + (trouble.empty() ? rollout.why() : trouble);
    else
        text += " was taken back: " + rollout.why() + (trouble.empty() ? "" : ", " + trouble);
    if (const auto serving = worker.core().serving(); serving != 0)
        text += "; generation " + std::to_string(serving) + " serves on";
    return text + words_since(site, worker.spec().name, log_start);
}

std::string words_since(Site& site, const std::string& worker, std::uint64_t since) {
    std::string words = last_words(site.around().paths.worker_log(worker), since);
    if (words.empty()) return words;
    for (std::size_t at = 0; (at = words.find('\n', at)) != std::string::npos; at += 5) words.insert(at + 1, "    ");
    return "\nthe last of its log since then:\n    " + words;
}

} // namespace mpsup
