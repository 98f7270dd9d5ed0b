#include "supervisor/core/rollout.h"

#include <algorithm>
#include <utility>

namespace mpsup::core {

namespace {

using Kind = RolloutOrder::Kind;

constexpr int as_the_topology_says = -1;
constexpr Duration longest_pause{365LL * 24 * 3'600'000}; // until somebody promotes
constexpr Duration weighing_interval{5'000};

} // namespace

int RolloutPlan::first_children() const {
    if (is_at_once()) return whole;
    const int first = steps.empty() ? whole : std::max(1, steps.front().children);
    return std::clamp(first, 1, std::max({1, surge, unavailable}));
}

Rollout::Rollout(RolloutPlan plan) : plan_(std::move(plan)) {
    new_target_ = plan_.first_children();
    old_target_ = plan_.whole;
}

void Rollout::promote() {
    promoted_ = true;
    if (phase_ != Phase::frozen && phase_ != Phase::pausing) return;
    phase_ = Phase::rolling;
    pause_ends_.reset();
    why_.clear();
}

void Rollout::abort(std::string why) { abort_ = std::move(why); }

std::vector<RolloutOrder> Rollout::step(const RolloutView& view, Time now) {
    if (is_over()) return {};
    const bool serves = has_served_ && view.progress == Progress::serving;
    if (serves && !view.old_serves) return settle(); // there is nothing to go back to, whoever wants it
    if (abort_) return fail(*abort_);
    if (view.progress == Progress::did_not_make_it || view.progress == Progress::over)
        return fail(has_served_ ? "it ended" : "it did not become ready");
    if (phase_ == Phase::gating) {
        if (view.progress == Progress::coming) return {};
        return plan_.is_at_once() ? settle() : admit(now);
    }
    if (judge_ && judge_->verdict() != Verdict::bad && phase_ != Phase::frozen && !promoted_) {
        weigh(view, now);
        if (phase_ == Phase::pausing && judge_->verdict() != Verdict::open && now >= judge_->ends())
            judge_anew(view, now);
        judge_->look(view.old_tally.since(old_then_), view.new_tally.since(new_then_), now);
        const auto verdict = judge_->look(old_memory_, new_memory_);
        was_good_ = was_good_ || verdict == Verdict::good;
        if (verdict == Verdict::bad && !plan_.freezes) return fail(why_bad(view));
        if (verdict == Verdict::bad) {
            phase_ = Phase::frozen;
            pause_ends_.reset();
            why_ = why_bad(view);
        }
    }
    if (phase_ == Phase::frozen) return {};
    return roll(view, now);
}

std::string Rollout::why_bad(const RolloutView& view) const {
    if (!judge_) return {};
    return judge_->reason() + (view.new_failure.empty() ? "" : "; for example " + view.new_failure);
}

void Rollout::judge_anew(const RolloutView& view, Time now) {
    if (!plan_.judge || promoted_) return;
    judge_.emplace(*plan_.judge, now);
    old_then_ = view.old_tally;
    new_then_ = view.new_tally;
}

bool Rollout::is_unjudged() const { return judge_ && judge_->verdict() == Verdict::unjudged && !was_good_; }

void Rollout::weigh(const RolloutView& view, Time now) {
    if (weighed_at_ && now < *weighed_at_ + weighing_interval) return;
    weighed_at_ = now;
    if (view.new_memory > 0) new_memory_.add(now, view.new_memory);
    if (view.old_memory > 0) old_memory_.add(now, view.old_memory);
}

std::optional<Time> Rollout::next_look() const {
    const bool weighs = phase_ == Phase::pausing && judge_ && !promoted_ && weighed_at_;
    if (!weighs) return pause_ends_;
    const Time next = *weighed_at_ + weighing_interval;
    return pause_ends_ ? std::min(*pause_ends_, next) : next;
}

std::vector<RolloutOrder> Rollout::admit(Time now) {
    phase_ = Phase::rolling;
    has_served_ = true;
    sized_at_ = now;
    if (plan_.judge) judge_.emplace(*plan_.judge, now);
    return {{Kind::admit_beside}};
}

int Rollout::wanted_by_step() const {
    if (promoted_ || at_ >= plan_.steps.size()) return plan_.whole;
    return std::min(plan_.steps[at_].children, plan_.whole);
}

std::vector<RolloutOrder> Rollout::roll(const RolloutView& view, Time now) {
    if (phase_ == Phase::pausing) {
        if (pause_ends_ && now < *pause_ends_) return {};
        phase_ = Phase::rolling;
        pause_ends_.reset();
        ++at_;
    }
    const bool at_step = at_ < plan_.steps.size() && !promoted_;
    if (at_step && plan_.steps[at_].children == 0) {
        phase_ = Phase::pausing;
        pause_ends_ = now + plan_.steps[at_].pause.value_or(longest_pause);
        return {};
    }
    if (view.new_ready < new_target_) {
        if (!short_since_) short_since_ = now; // one that served has died, or they have just been asked for
        if (now < std::max(sized_at_, *short_since_) + plan_.patience) return {};
        return fail("only " + std::to_string(view.new_ready) + " of " + std::to_string(new_target_) +
                    " children became ready");
    }
    short_since_.reset();
    if (is_judging()) return {};
    const bool has_grown = new_target_ >= wanted_by_step();
    if (has_grown && !at_step) return settle();
    if (has_grown && std::exchange(is_fresh_, false) &&
        at_ + 1 < plan_.steps.size()) { // not of the last: nothing follows it
        judge_anew(view, now);
        return {};
    }
    if (has_grown) ++at_;
    const int before = new_target_;
    auto orders = size(view, now);
    is_fresh_ = is_fresh_ || new_target_ > before;
    return orders;
}

// The new generation grows as far as `surge` lets it, the old one shrinks as far as `unavailable` does. What does not leave
// in its time holds nothing up.
std::vector<RolloutOrder> Rollout::size(const RolloutView& view, Time now) {
    std::vector<RolloutOrder> orders;
    const int serving = std::min(view.new_ready, new_target_);
    const int old_target = std::clamp(plan_.whole - serving - plan_.unavailable, 0, old_target_);
    if (std::exchange(old_target_, old_target) != old_target) {
        orders.push_back({Kind::size_old, old_target});
        sized_at_ = now;
    }
    const bool stuck = now >= sized_at_ + plan_.patience;
    const int old_alive = stuck ? old_target : std::max(old_target, view.old_alive);
    const int room = plan_.whole + plan_.surge - old_alive;
    const int new_target = std::clamp(room, new_target_, std::max(new_target_, wanted_by_step()));
    if (std::exchange(new_target_, new_target) != new_target) {
        orders.push_back({Kind::size_new, new_target});
        sized_at_ = now;
    }
    return orders;
}

std::vector<RolloutOrder> Rollout::settle() {
    phase_ = Phase::settled;
    const bool admitted = std::exchange(has_served_, true);
    std::vector<RolloutOrder> orders;
    if (!admitted) orders.push_back({Kind::admit_beside});
    orders.push_back({Kind::size_new, as_the_topology_says});
    orders.push_back({Kind::settle});
    return orders;
}

std::vector<RolloutOrder> Rollout::fail(std::string why) {
    phase_ = Phase::failed;
    why_ = std::move(why);
    std::vector<RolloutOrder> orders;
    if (has_served_) orders.push_back({Kind::size_old, as_the_topology_says});
    orders.push_back({Kind::take_back});
    return orders;
}

std::string_view to_string(Rollout::Phase phase) noexcept {
    switch (phase) {
    case Rollout::Phase::gating: return "gating";
    case Rollout::Phase::rolling: return "rolling";
    case Rollout::Phase::pausing: return "pausing";
    case Rollout::Phase::frozen: return "frozen";
    case Rollout::Phase::settled: return "settled";
    case Rollout::Phase::failed: return "failed";
    }
    std::unreachable();
}

} // namespace mpsup::core
