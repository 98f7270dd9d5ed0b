#include "supervisor/core/worker.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace mpsup::core {

namespace {

constexpr std::size_t outcomes_kept = 8;

std::string seconds(Duration duration) {
    const auto tenths = (duration.count() + 50) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

Duration ready_for(const Generation& generation, Time now) {
    if (generation.ready_since == Time{}) return Duration(0);
    return std::chrono::duration_cast<Duration>(now - generation.ready_since);
}

std::string overdue_text(Phase phase, const PhaseLimits& limits) {
    switch (phase) {
    case Phase::launching: return "said nothing for " + seconds(limits.hello) + " after it was started";
    case Phase::loading: return "was not ready " + seconds(limits.load) + " after it was told to load";
    case Phase::gating: return "did not pass its health checks within " + seconds(limits.gate);
    case Phase::sleeping: return "slept for " + seconds(limits.keep) + " and was not needed";
    case Phase::draining: return "had not finished " + seconds(limits.grace) + " after it was told to";
    case Phase::killing: return "is still there after SIGKILL";
    case Phase::standby:
    case Phase::serving:
    case Phase::orphaned:
    case Phase::gone: return {};
    }
    std::unreachable();
}

} // namespace

// Orders

GenerationNumber Worker::start(Time now, bool hold) {
    wants_to_run_ = true;
    given_up_ = false;
    budget_.reset();
    for (const Generation& generation : generations_ | std::views::reverse)
        if (is_coming(generation.phase) || is_taking_requests(generation.phase)) return generation.number;
    return spawn(now, hold, true);
}

GenerationNumber Worker::prepare(Time now, bool in_haste) {
    wants_to_run_ = true;
    given_up_ = false;
    budget_.reset();
    // What was on its way was loaded before this was asked for: it may be of older code.
    for (Generation& generation : generations_)
        if (is_coming(generation.phase)) apply(generation, Trigger::retire, now);
    const bool replaces = anything(is_taking_requests);
    const GenerationNumber number = spawn(now, true, true, in_haste);
    generations_.back().replaces = replaces;
    return number;
}

void Worker::admit(GenerationNumber number, Time now) {
    const Generation* generation = find(number);
    if (!generation || generation->phase != Phase::standby) return;
    admit_beside(number, now);
    serve_alone(number, now);
}

void Worker::admit_beside(GenerationNumber number, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation || generation->phase != Phase::standby) return;
    generation->trial = true;
    apply(*generation, Trigger::admit, now);
    note({.kind = Note::Kind::ready, .generation = number, .status = {}, .text = {}});
}

void Worker::serve_alone(GenerationNumber number, Time now, bool keeps_old) {
    Generation* generation = find_mutable(number);
    if (!generation || !is_taking_requests(generation->phase)) return;
    const bool replaces = std::ranges::any_of(generations_, [&](const Generation& other) {
        return other.number != number && is_taking_requests(other.phase);
    });
    if (generation->planned && replaces) ++planned_restarts_;
    generation->trial = false;
    let_go_of_others(number, now, keeps_old);
}

void Worker::let_go_of_others(GenerationNumber number, Time now, bool keeps_old) {
    const Generation* settled = find(number);
    const bool keeps = keeps_old && settled->planned && settled->is_pool && rules_.limits.keep.count() > 0;
    const auto last = std::ranges::find_if(generations_ | std::views::reverse, [&](const Generation& other) {
        return keeps && other.number != number && other.phase == Phase::serving && other.process_alive;
    });
    const bool sleeps = last != (generations_ | std::views::reverse).end();
    const GenerationNumber kept = sleeps ? last->number : 0;
    for (Generation& other : generations_) {
        if (other.number == number) continue;
        other.trial = false;
        apply(other, other.number == kept ? Trigger::sleep : Trigger::retire, now);
    }
    if (sleeps) note({.kind = Note::Kind::slept, .generation = kept, .status = {}, .text = {}});
}

void Worker::take_back(GenerationNumber number, Time now) {
    Generation* generation = find_mutable(number);
    if (generation && (generation->trial || is_coming(generation->phase))) apply(*generation, Trigger::retire, now);
    converge(now);
}

void Worker::wake(GenerationNumber number, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation || generation->phase != Phase::sleeping) return;
    wants_to_run_ = true;
    given_up_ = false;
    budget_.reset();
    generation->trial = generation->planned = true;
    generation->wanted = rules_.pool;
    apply(*generation, Trigger::wake, now);
    note({.kind = Note::Kind::woken, .generation = number, .status = {}, .text = {}});
}

void Worker::abandon(GenerationNumber number, Time now) {
    Generation* generation = find_mutable(number);
    if (generation && is_coming(generation->phase)) apply(*generation, Trigger::retire, now);
    converge(now);
}

void Worker::reset(Time now) {
    given_up_ = false;
    start_again_at_.reset();
    budget_.reset();
    last_failure_.clear();
    converge(now);
}

void Worker::stop(Time now) {
    wants_to_run_ = false;
    given_up_ = false;
    start_again_at_.reset();
    retire_all_but(0, now);
}

void Worker::set_rules(WorkerRules rules) {
    rules_ = rules;
    budget_.set_rule(rules.restart);
}

// Adoption

void Worker::adopt(GenerationNumber number, Phase phase, bool has_process, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation) {
        const auto later = std::ranges::find_if(generations_, [&](const auto& other) { return other.number > number; });
        generation = &*generations_.emplace(later);
        generation->number = number;
        generation->is_pool = rules_.is_pool;
        generation->wanted = rules_.pool;
        generation->passes_wanted = rules_.limits.gate_passes;
        generation->hold = true; // until all are known
        last_number_ = std::max(last_number_, number);
    }
    generation->process_alive = has_process;
    generation->has_spoken = true;
    generation->enter(phase, rules_.limits, now);
    if (phase != Phase::gating) generation->ready_since = now;
    if (phase == Phase::sleeping) generation->wanted = 0;
    generation->heir_needed.reset();
    if (phase == Phase::orphaned) generation->heir_needed = now + rules_.limits.orphaned;
    if (has_process && generation->heir) generation->heir_needed = now + rules_.limits.promotion; // it was told already
}

void Worker::adopt_silent(GenerationNumber number, Time now) {
    adopt(number, Phase::orphaned, false, now);
    find_mutable(number)->has_spoken = false;
}

void Worker::resume(Time now) {
    wants_to_run_ = true;
    auto stays = std::ranges::find(generations_, Phase::serving, &Generation::phase);
    if (stays == generations_.end())
        stays = std::ranges::find_if(generations_, [](const Generation& generation) {
            return is_taking_requests(generation.phase) && generation.has_spoken;
        });
    if (stays == generations_.end()) stays = std::ranges::find_if(generations_, is_taking_requests, &Generation::phase);
    const GenerationNumber keeper = stays != generations_.end() ? stays->number : 0;
    GenerationNumber newcomer = 0;
    for (Generation& generation : generations_) {
        if (generation.number == keeper) continue;
        const bool is_last_hope = keeper == 0 && is_coming(generation.phase);
        if (is_last_hope) {
            newcomer = generation.number;
            continue;
        }
        if (generation.phase == Phase::sleeping && generation.number == sleeping()) continue;
        if (is_coming(generation.phase)) generation.trouble = "its supervisor was gone before it served";
        apply(generation, Trigger::retire, now);
    }
    if (Generation* hope = find_mutable(newcomer)) {
        retire_older_newcomers(newcomer, now);
        hope->hold = false;
        if (hope->phase == Phase::gating) effects_.emplace_back(OpenGate{newcomer});
    }
    wake_sleeper(now);
    converge(now);
}

// It was the last that was good, and it is loaded: nothing serves sooner.
void Worker::wake_sleeper(Time now) {
    Generation* sleeper = find_mutable(sleeping());
    if (!sleeper || !wants_to_run_ || anything(is_coming) || anything(is_taking_requests)) return;
    wake(sleeper->number, now);
    sleeper->trial = false;
}

void Worker::settle(GenerationNumber number, Time now) {
    Generation* late = find_mutable(number);
    if (!late) return;
    if (late->phase == Phase::sleeping && wants_to_run_ && sleeping() == number) return wake_sleeper(now);
    // One that serves goes when another does, not before.
    const bool serves = is_taking_requests(late->phase);
    const bool is_needed = std::ranges::none_of(generations_, [&](const Generation& other) {
        return other.number != number && (is_taking_requests(other.phase) || (!serves && is_coming(other.phase)));
    });
    if (!wants_to_run_ || !is_needed) {
        if (is_coming(late->phase)) late->trouble = "its supervisor was gone before it served";
        return apply(*late, Trigger::retire, now);
    }
    late->hold = false;
    if (late->phase == Phase::gating) effects_.emplace_back(OpenGate{number});
}

void Worker::retire_older_newcomers(GenerationNumber number, Time now) {
    for (Generation& generation : generations_)
        if (generation.number < number && is_coming(generation.phase)) apply(generation, Trigger::retire, now);
}

void Worker::continue_counts(int crashes, int planned_restarts) {
    crashes_ = crashes;
    planned_restarts_ = planned_restarts;
}

// News

void Worker::on_spawn_failed(GenerationNumber number, const std::string& why, Time now, double chance) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    generation->trouble = why;
    generation->process_alive = false;
    end_if_empty(*generation, now, chance);
}

void Worker::on_hello(GenerationNumber number, Time now) {
    if (Generation* generation = find_mutable(number)) apply(*generation, Trigger::hello, now);
}

void Worker::on_ready(GenerationNumber number, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    apply(*generation, Trigger::ready, now);
    // Where nobody serves, waiting for probes only makes the gap longer: being ready is enough.
    if (generation->phase == Phase::gating && generation->passes_wanted == 0) {
        apply(*generation, Trigger::passed, now);
        if (!generation->hold) admit(number, now);
    }
}

void Worker::on_trouble(GenerationNumber number, std::string why) {
    if (Generation* generation = find_mutable(number)) generation->trouble = std::move(why);
}

void Worker::on_process_exit(GenerationNumber number, pid_t pid, ExitStatus status, Time now, double chance) {
    Generation* generation = find_mutable(number);
    if (!generation || !generation->process_alive) return;
    generation->process_alive = false;
    const bool leaving = generation->phase == Phase::draining || generation->phase == Phase::killing;
    if (generation->trouble.empty() && !leaving) generation->trouble = status.to_string();
    note({.kind = Note::Kind::exited,
          .generation = number,
          .pid = pid,
          .status = status,
          .planned = leaving,
          .text = leaving ? std::string() : generation->trouble});
    if (generation->is_empty()) return end_if_empty(*generation, now, chance);
    if (generation->trial) { // what served before it goes on
        ++crashes_;
        apply(*generation, Trigger::retire, now);
        return converge(now);
    }
    const bool was_serving = generation->phase == Phase::serving;
    const Duration lasted = ready_for(*generation, now);
    apply(*generation, Trigger::master_lost, now);
    if (!was_serving) return;
    ++crashes_;
    // One of its children is warm, and pinned to the same code: a better successor than any that is loaded now.
    if (!generation->heir_needed) generation->heir_needed = now + rules_.limits.orphaned;
    settle_death(now, lasted, chance, number, "its pool master " + status.to_string());
    converge(now);
}

void Worker::on_child_started(GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    generation->children.try_emplace(pid, Child{false, now});
    note({.kind = Note::Kind::child_started, .generation = number, .pid = pid, .status = {}, .text = {}});
}

void Worker::on_child_ready(GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    const auto child = generation->children.find(pid);
    if (child == generation->children.end() || child->second.ready) return;
    child->second = {true, now};
    note({.kind = Note::Kind::child_ready, .generation = number, .pid = pid, .status = {}, .text = {}});
}

void Worker::on_child_exit(GenerationNumber number, pid_t pid, ExitStatus status, bool planned, std::string reason,
                           Time now, double chance) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    const auto found = generation->children.find(pid);
    if (found == generation->children.end()) return;
    const Child child = found->second;
    generation->children.erase(found);
    if (generation->heir == pid) {
        generation->heir.reset();
        generation->heir_needed = now; // on_time draws the consequences
    }
    const bool leaving = planned || generation->phase == Phase::draining || generation->phase == Phase::killing;
    note({.kind = Note::Kind::child_exited,
          .generation = number,
          .pid = pid,
          .status = status,
          .planned = leaving,
          .text = std::move(reason)});
    if (generation->is_empty()) return end_if_empty(*generation, now, chance);
    if (leaving) return;
    ++crashes_;
    if (child.ready || generation->trial)
        return; // its master replaces it: some request may kill each that gets it, and others are served
    const auto verdict = budget_.on_death(now, Duration(0), chance);
    if (!verdict.give_up) return;
    const std::string why = "a child " + status.to_string() + " before it was ready";
    generation->trouble = why;
    if (is_coming(generation->phase))
        apply(*generation, Trigger::retire, now);
    else if (generation->ready_count() == 0) // or those that are left serve on, and their master goes on trying
        give_up(number, verdict.deaths, why, now);
}

void Worker::on_pool_wants(GenerationNumber number, int children) {
    if (Generation* generation = find_mutable(number)) generation->wanted = children;
}

void Worker::on_refork_due(GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation || generation->phase != Phase::serving || generation->heir || generation->reforked) return;
    const auto child = generation->children.find(pid);
    if (child == generation->children.end() || !child->second.ready) return;
    generation->reforked = true;
    generation->heir = pid;
    generation->heir_needed = now + rules_.limits.promotion;
    effects_.emplace_back(ReleaseChild{number, pid});
}

void Worker::on_child_alone(GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = find_mutable(number);
    if (generation) generation->has_spoken = true;
    if (!generation || !is_taking_requests(generation->phase)) return;
    const auto child = generation->children.find(pid);
    if (child == generation->children.end()) return;
    child->second.is_alone = true;
    const bool is_orphaned = generation->phase == Phase::orphaned;
    if (generation->heir == pid) {
        child->second.was_heir = true; // chosen while its master lived, perhaps
        effects_.emplace_back(PromoteChild{number, pid});
    } else if (is_orphaned && generation->heir_needed && !generation->heir) {
        make_heir(*generation, pid, now);
    } else if (is_orphaned) {
        converge(now);
    }
}

void Worker::make_heir(Generation& generation, pid_t pid, Time now) {
    generation.heir = pid;
    generation.heir_needed = now + rules_.limits.promotion;
    generation.rival_failed = false;
    generation.children.at(pid).was_heir = true;
    effects_.emplace_back(PromoteChild{generation.number, pid});
}

// What was loaded in its place did not get there: then one of those that are idle, and were not tried, is better than
// loading it again and again. One heir, one load, in turn: whatever ends heirs must not end all that serve.
bool Worker::promote_orphan(Generation& orphaned, Time now) {
    if (!orphaned.rival_failed) return false;
    const auto next = std::ranges::find_if(
        orphaned.children, [](const auto& entry) { return entry.second.is_alone && !entry.second.was_heir; });
    if (next == orphaned.children.end()) return false;
    make_heir(orphaned, next->first, now);
    return true;
}

void Worker::on_heir_ready(GenerationNumber number, pid_t pid, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation || generation->heir != pid) return;
    generation->children.erase(pid);
    generation->heir.reset();
    generation->heir_needed.reset();
    generation->process_alive = true;
    apply(*generation, Trigger::adopted, now);
    effects_.emplace_back(CrownChild{number, pid});
    note({.kind = Note::Kind::promoted, .generation = number, .pid = pid, .status = {}, .text = {}});
}

void Worker::on_probe(GenerationNumber number, bool passed, const std::string& why, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation) return;
    if (generation->phase == Phase::gating) {
        if (passed && generation->passes == 0) generation->passing_since = now;
        generation->passes = passed ? generation->passes + 1 : 0;
        generation->trouble = passed ? std::string() : why;
        if (generation->passes < generation->passes_wanted ||
            now < generation->passing_since + rules_.limits.min_healthy)
            return;
        apply(*generation, Trigger::passed, now);
        if (!generation->hold) return admit(number, now);
        (void)admit_stand_in(now);
        return;
    }
    if (!is_taking_requests(generation->phase)) return;
    if (std::exchange(healthy_, passed) != passed)
        note({.kind = Note::Kind::health_changed,
              .generation = number,
              .status = {},
              .text = passed ? "healthy" : "unhealthy: " + why});
}

void Worker::on_liveness(GenerationNumber number, bool passed, const std::string& why, Time now) {
    Generation* generation = find_mutable(number);
    if (!generation || !is_taking_requests(generation->phase)) return;
    generation->fails = passed ? 0 : generation->fails + 1;
    if (rules_.limits.fails > 0 && generation->fails >= rules_.limits.fails) replace_unhealthy(*generation, why, now);
}

// Start first: if its successor is no better, it serves on.
void Worker::replace_unhealthy(Generation& generation, const std::string& why, Time now) {
    if (generation.phase != Phase::serving || !wants_to_run_ || start_again_at_ || anything(is_coming)) return;
    if (std::ranges::any_of(generations_, &Generation::trial)) return; // an operation is at it
    note({.kind = Note::Kind::health_changed,
          .generation = generation.number,
          .status = {},
          .text = "replaced, " + std::to_string(generation.fails) + " probes failed in a row: " + why});
    generation.fails = 0;
    spawn(now, false, false);
}

void Worker::on_pause(Duration lasted) {
    if (start_again_at_) *start_again_at_ += lasted;
    for (Generation& generation : generations_)
        for (auto* deadline : {&generation.deadline, &generation.heir_needed})
            if (*deadline) **deadline += lasted;
}

void Worker::on_time(Time now) {
    bool lost_heir = false;
    for (Generation& generation : generations_) {
        if (!generation.heir_needed || now < *generation.heir_needed) continue;
        generation.heir.reset();
        generation.heir_needed.reset();
        generation.rival_failed = false; // now it is a rival's turn
        lost_heir = true;
    }
    if (lost_heir) converge(now); // there is no master to be had from among its children
    for (Generation& generation : generations_) {
        if (!generation.deadline || now < *generation.deadline) continue;
        const std::string late = overdue_text(generation.phase, rules_.limits);
        const bool gate = generation.phase == Phase::gating;
        const bool slept = generation.phase == Phase::sleeping; // nothing is killed
        if (is_coming(generation.phase))
            generation.trouble = generation.trouble.empty() ? late : late + ": " + generation.trouble;
        if (gate)
            note({.kind = Note::Kind::gate_failed,
                  .generation = generation.number,
                  .status = {},
                  .text = generation.trouble});
        else if (!slept)
            note({.kind = Note::Kind::killed, .generation = generation.number, .status = {}, .text = late});
        apply(generation, Trigger::overdue, now);
    }
    for (Generation& generation : generations_) // a child of it does not end
        if (const auto late = sleepless_after(generation); late && now >= *late)
            apply(generation, Trigger::retire, now);
    if (start_again_at_ && now >= *start_again_at_) {
        start_again_at_.reset();
        if (budget_.deaths(now) >= rules_.restart.burst && !anything(is_taking_requests)) // those that served have gone
            return give_up(last_number_, budget_.deaths(now), last_failure_, now);
        converge(now);
    }
}

std::optional<Time> Worker::sleepless_after(const Generation& generation) const {
    if (generation.phase != Phase::sleeping || generation.children.empty()) return std::nullopt;
    return generation.phase_since + rules_.limits.grace;
}

std::optional<Time> Worker::next_deadline() const {
    std::optional<Time> next = start_again_at_;
    for (const Generation& generation : generations_)
        for (const auto& deadline : {generation.deadline, generation.heir_needed, sleepless_after(generation)})
            if (deadline && (!next || *deadline < *next)) next = deadline;
    return next;
}

// Questions

WorkerState Worker::state() const {
    if (given_up_) return WorkerState::failed;
    if (!wants_to_run_) return generations_.empty() ? WorkerState::stopped : WorkerState::draining;
    if (const Generation* current = find(serving())) {
        const bool whole = current->phase == Phase::serving && ready() >= wanted();
        return whole && healthy_ ? WorkerState::ready : WorkerState::degraded;
    }
    if (start_again_at_) return WorkerState::backoff;
    if (anything(is_coming)) return WorkerState::starting;
    return WorkerState::unknown;
}

Progress Worker::progress(GenerationNumber number) const {
    if (const Generation* generation = find(number)) {
        if (generation->phase == Phase::standby) return Progress::standing_by;
        if (is_taking_requests(generation->phase)) return Progress::serving;
        if (is_coming(generation->phase)) return Progress::coming;
        return generation->ready_since == Time{} ? Progress::did_not_make_it : Progress::over;
    }
    const auto outcome = std::ranges::find(outcomes_, number, &Outcome::number);
    return outcome != outcomes_.end() && outcome->served ? Progress::over : Progress::did_not_make_it;
}

const std::string& Worker::trouble(GenerationNumber number) const {
    static const std::string nothing;
    if (const Generation* generation = find(number)) return generation->trouble;
    const auto outcome = std::ranges::find(outcomes_, number, &Outcome::number);
    return outcome == outcomes_.end() ? nothing : outcome->trouble;
}

const Generation* Worker::find(GenerationNumber number) const {
    const auto found = std::ranges::find(generations_, number, &Generation::number);
    return found == generations_.end() ? nullptr : &*found;
}

GenerationNumber Worker::sleeping() const {
    for (const Generation& generation : generations_ | std::views::reverse)
        if (generation.phase == Phase::sleeping && generation.process_alive) return generation.number;
    return 0;
}

GenerationNumber Worker::serving() const {
    for (const Generation& generation : generations_ | std::views::reverse)
        if (is_taking_requests(generation.phase)) return generation.number;
    return 0;
}

int Worker::ready() const {
    int count = 0;
    for (const Generation& generation : generations_)
        if (is_taking_requests(generation.phase)) count += generation.ready_count();
    return count;
}

int Worker::wanted() const {
    if (!rules_.is_pool || serving() == 0) return rules_.wanted();
    int count = 0;
    for (const Generation& generation : generations_)
        if (is_taking_requests(generation.phase)) count += generation.wanted;
    return count;
}

// Mechanics

Generation* Worker::find_mutable(GenerationNumber number) {
    const auto found = std::ranges::find(generations_, number, &Generation::number);
    return found == generations_.end() ? nullptr : &*found;
}

GenerationNumber Worker::spawn(Time now, bool hold, bool planned, bool in_haste) {
    start_again_at_.reset();
    Generation& generation = generations_.emplace_back();
    generation.number = ++last_number_;
    generation.is_pool = rules_.is_pool;
    generation.wanted = rules_.pool;
    generation.hold = hold;
    generation.planned = planned;
    generation.passes_wanted = planned || anything(is_taking_requests) ? rules_.limits.gate_passes : 0;
    if (in_haste) generation.passes_wanted = std::min(generation.passes_wanted, 1);
    generation.enter(Phase::launching, rules_.limits, now);
    effects_.emplace_back(Spawn{generation.number});
    note({.kind = Note::Kind::started, .generation = generation.number, .status = {}, .planned = planned, .text = {}});
    return generation.number;
}

void Worker::apply(Generation& generation, Trigger trigger, Time now) {
    const Transition step = transition(generation.phase, trigger);
    if (step.next != generation.phase || step.action != Action::none) generation.enter(step.next, rules_.limits, now);
    perform(generation, step.action);
}

void Worker::perform(const Generation& generation, Action action) {
    switch (action) {
    case Action::none: return;
    case Action::send_go: effects_.emplace_back(SendGo{generation.number}); return;
    case Action::open_gate: effects_.emplace_back(OpenGate{generation.number}); return;
    case Action::send_serve: effects_.emplace_back(SendServe{generation.number}); return;
    case Action::send_sleep: effects_.emplace_back(SendSleep{generation.number}); return;
    case Action::send_wake: effects_.emplace_back(SendWake{generation.number}); return;
    case Action::send_drain:
        effects_.emplace_back(SendDrain{generation.number});
        note({.kind = Note::Kind::draining, .generation = generation.number, .status = {}, .text = {}});
        return;
    case Action::kill: effects_.emplace_back(Kill{generation.number}); return;
    }
    std::unreachable();
}

void Worker::retire_all_but(GenerationNumber number, Time now) {
    for (Generation& generation : generations_)
        if (generation.number != number) apply(generation, Trigger::retire, now);
}

void Worker::end_if_empty(Generation& generation, Time now, double chance) {
    if (!generation.is_empty()) return;
    const Phase last_phase = generation.phase;
    const Generation ended = std::move(generation);
    std::erase_if(generations_, [&](const Generation& other) { return other.number == ended.number; });
    outcomes_.push_back({ended.number, ended.ready_since != Time{}, ended.trouble});
    if (outcomes_.size() > outcomes_kept) outcomes_.erase(outcomes_.begin());
    on_generation_over(ended, last_phase, now, chance);
}

void Worker::on_generation_over(const Generation& ended, Phase last_phase, Time now, double chance) {
    if (ended.ready_since == Time{}) {
        // It never served. An operation that asked for it reads the outcome; what replaces the dead is tried again.
        if (!ended.trouble.empty()) {
            last_failure_ = ended.trouble;
            note({.kind = Note::Kind::launch_failed,
                  .generation = ended.number,
                  .status = {},
                  .planned = ended.planned,
                  .text = ended.trouble});
        }
        for (Generation& other : generations_) other.rival_failed = other.phase == Phase::orphaned;
        if (ended.hold) return; // the operation abandons it, and then the worker converges
        settle_death(now, Duration(0), chance, ended.number, ended.trouble);
    } else if (last_phase == Phase::serving && ended.trial) {
        ++crashes_; // its operation sees it
    } else if (last_phase == Phase::serving) {
        ++crashes_;
        if (admit_stand_in(now)) return;
        settle_death(now, ready_for(ended, now), chance, ended.number, ended.trouble);
    }
    converge(now);
}

void Worker::settle_death(Time now, Duration lasted, double chance, GenerationNumber number, const std::string& why) {
    const auto verdict = budget_.on_death(now, lasted, chance); // also of one that dies before it is resumed
    if (!wants_to_run_) return;
    last_failure_ = why;
    const bool others_serve = std::ranges::any_of(generations_, [](const Generation& generation) {
        return is_taking_requests(generation.phase) && generation.ready_count() > 0;
    });
    if (verdict.give_up && !others_serve) return give_up(number, verdict.deaths, why, now);
    if (verdict.wait.count() == 0) return;
    start_again_at_ = now + verdict.wait;
    note({.kind = Note::Kind::backoff,
          .generation = number,
          .status = {},
          .text = "starts again in " + seconds(verdict.wait) + ": " + why});
}

void Worker::give_up(GenerationNumber number, int deaths, const std::string& why, Time now) {
    given_up_ = true;
    start_again_at_.reset();
    last_failure_ = why;
    note({.kind = Note::Kind::failed,
          .generation = number,
          .status = {},
          .text = "given up after " + std::to_string(deaths) + " deaths within " + seconds(rules_.restart.window) +
                  ", the last: " + why});
    for (Generation& generation : generations_)
        if (is_coming(generation.phase) || generation.phase == Phase::serving) apply(generation, Trigger::retire, now);
}

// What was to be replaced has died: its successor is there and passed its gate, whatever it waits for.
bool Worker::admit_stand_in(Time now) {
    if (!wants_to_run_ || anything(is_taking_requests)) return false;
    const auto found = std::ranges::find_if(generations_, [](const Generation& generation) {
        return generation.phase == Phase::standby && generation.replaces;
    });
    if (found == generations_.end()) return false;
    admit(found->number, now);
    return true;
}

void Worker::converge(Time now) {
    if (!wants_to_run_ || given_up_ || anything(is_coming)) return;
    Generation* current = find_mutable(serving());
    const bool is_lost = current && current->phase == Phase::orphaned && !current->heir_needed; // nobody forks for it
    if (is_lost && promote_orphan(*current, now)) return;
    if (!start_again_at_ && (!current || is_lost)) spawn(now, false, false);
}

bool Worker::anything(bool (*question)(Phase) noexcept) const {
    return std::ranges::any_of(generations_, [&](const Generation& generation) { return question(generation.phase); });
}

std::string_view to_string(WorkerState state) noexcept {
    switch (state) {
    case WorkerState::stopped: return "stopped";
    case WorkerState::starting: return "starting";
    case WorkerState::ready: return "ready";
    case WorkerState::degraded: return "degraded";
    case WorkerState::draining: return "draining";
    case WorkerState::backoff: return "backoff";
    case WorkerState::failed: return "failed";
    case WorkerState::unknown: return "unknown";
    }
    std::unreachable();
}

} // namespace mpsup::core
