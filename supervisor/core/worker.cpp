#include "supervisor/core/worker.h"

#include "base/earlier.h"

#include "supervisor/core/inheritance.h"
#include "supervisor/core/offspring.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace mpsup::core {

// Orders

GenerationNumber Worker::start(Time now, bool hold) {
    wants_to_run_ = true;
    try_again();
    for (const Generation& generation : line_.all() | std::views::reverse)
        if (is_coming(generation.phase) || is_taking_requests(generation.phase)) return generation.number;
    return spawn(now, hold, true);
}

GenerationNumber Worker::prepare(Time now, bool in_haste) {
    wants_to_run_ = true;
    try_again();
    // What was on its way was loaded before this was asked for: it may be of older code.
    line_.retire_coming(now);
    const bool replaces = line_.any(is_taking_requests);
    const GenerationNumber number = spawn(now, true, true, in_haste);
    line_.find(number)->replaces = replaces;
    return number;
}

void Worker::admit(GenerationNumber number, Time now) {
    const Generation* generation = find(number);
    if (!generation || generation->phase != Phase::standby) return;
    admit_beside(number, now);
    serve_alone(number, now);
}

void Worker::admit_beside(GenerationNumber number, Time now) {
    Generation* generation = line_.find(number);
    if (!generation || generation->phase != Phase::standby) return;
    generation->trial = true;
    line_.step(*generation, Trigger::admit, now);
    line_.note(Note::Kind::ready, number);
}

void Worker::serve_alone(GenerationNumber number, Time now, bool keeps_old) {
    Generation* generation = line_.find(number);
    if (!generation || !is_taking_requests(generation->phase)) return;
    const bool replaces = std::ranges::any_of(line_.all(), [&](const Generation& other) {
        return other.number != number && is_taking_requests(other.phase);
    });
    if (generation->planned && replaces) ++planned_restarts_;
    generation->trial = false;
    line_.let_go_of_others(*generation, now, keeps_old);
    release_for_refork(line_, number, generation->refork_due, now);
}

void Worker::take_back(GenerationNumber number, Time now) {
    Generation* generation = line_.find(number);
    if (generation && (generation->trial || is_coming(generation->phase)))
        line_.step(*generation, Trigger::retire, now);
    converge(now);
}

void Worker::wake(GenerationNumber number, Time now) {
    Generation* generation = line_.find(number);
    if (!generation || generation->phase != Phase::sleeping) return;
    wants_to_run_ = true;
    try_again();
    generation->trial = generation->planned = true;
    generation->wanted = rules().pool;
    line_.step(*generation, Trigger::wake, now);
    line_.note(Note::Kind::woken, number);
}

void Worker::abandon(GenerationNumber number, Time now) {
    Generation* generation = line_.find(number);
    if (generation && is_coming(generation->phase)) line_.step(*generation, Trigger::retire, now);
    converge(now);
}

void Worker::replace(Time now) {
    if (wants_to_run_ && serving() != 0 && !start_again_at_ && !line_.any(is_coming)) spawn(now, false, false);
}

void Worker::reset(Time now) {
    try_again();
    start_again_at_.reset();
    last_failure_.clear();
    converge(now);
}

void Worker::resize(GenerationNumber number) { resize_heir(line_, number); }

void Worker::stop(Time now) {
    wants_to_run_ = false;
    given_up_ = false;
    start_again_at_.reset();
    line_.retire_all(now);
}

void Worker::set_rules(WorkerRules rules) {
    line_.set_rules(rules);
    budget_.set_rule(rules.restart);
}

// Adoption

void Worker::adopt(GenerationNumber number, Phase phase, bool has_process, Time now) {
    inherit(line_, number, phase, has_process, now);
}

void Worker::adopt_silent(GenerationNumber number, Time now) { inherit_silent(line_, number, now); }

void Worker::resume(Time now) {
    wants_to_run_ = true;
    take_up(line_, now);
    wake_sleeper(now);
    converge(now);
}

// It was the last that was good, and it is loaded: nothing serves sooner.
void Worker::wake_sleeper(Time now) {
    Generation* sleeper = line_.find(sleeping());
    if (!sleeper || !wants_to_run_ || line_.any(is_coming) || line_.any(is_taking_requests)) return;
    wake(sleeper->number, now);
    sleeper->trial = false;
}

void Worker::settle(GenerationNumber number, Time now) {
    Generation* late = line_.find(number);
    if (!late) return;
    if (late->phase == Phase::sleeping && wants_to_run_ && sleeping() == number) return wake_sleeper(now);
    take_up_late(line_, *late, wants_to_run_, now);
}

void Worker::continue_counts(int crashes, int planned_restarts) {
    crashes_ = crashes;
    planned_restarts_ = planned_restarts;
}

// News

void Worker::on_spawn_failed(GenerationNumber number, const std::string& why, Time now, double chance) {
    Generation* generation = line_.find(number);
    if (!generation) return;
    generation->trouble = why;
    generation->process_alive = false;
    bury(*generation, now, chance);
}

void Worker::on_hello(GenerationNumber number, Time now) {
    if (Generation* generation = line_.find(number)) line_.step(*generation, Trigger::hello, now);
}

void Worker::on_ready(GenerationNumber number, Time now) {
    Generation* generation = line_.find(number);
    if (!generation) return;
    line_.step(*generation, Trigger::ready, now);
    // Where nobody serves, waiting for probes only makes the gap longer: being ready is enough.
    if (generation->phase == Phase::gating && generation->passes_wanted == 0) {
        line_.step(*generation, Trigger::passed, now);
        if (!generation->hold) admit(number, now);
    }
}

void Worker::on_trouble(GenerationNumber number, std::string why) {
    if (Generation* generation = line_.find(number)) generation->trouble = std::move(why);
}

void Worker::on_process_exit(GenerationNumber number, pid_t pid, ExitStatus status, Time now, double chance) {
    Generation* generation = line_.find(number);
    if (!generation || !generation->process_alive) return;
    generation->process_alive = false;
    const bool leaving = generation->phase == Phase::draining || generation->phase == Phase::killing;
    if (generation->trouble.empty() && !leaving) generation->trouble = status.to_string();
    line_.leave(Note{.kind = Note::Kind::exited,
                     .generation = number,
                     .pid = pid,
                     .status = status,
                     .planned = leaving,
                     .text = leaving ? std::string() : generation->trouble});
    if (generation->is_empty()) return bury(*generation, now, chance);
    if (generation->trial) { // what served before it goes on
        ++crashes_;
        line_.step(*generation, Trigger::retire, now);
        return converge(now);
    }
    const bool was_serving = generation->phase == Phase::serving;
    const Duration lasted = generation->ready_for(now);
    line_.step(*generation, Trigger::master_lost, now);
    if (!was_serving) return;
    ++crashes_;
    // One of its children is warm, and pinned to the same code: a better successor than any that is loaded now.
    if (!generation->succession.is_open()) generation->succession.open(now + rules().limits.orphaned);
    settle_death(now, lasted, chance, number, "its pool master " + status.to_string());
    converge(now);
}

void Worker::on_child_started(GenerationNumber number, pid_t pid, pid_t master, Time now) {
    child_started(line_, number, pid, master, now);
}

void Worker::on_child_ready(GenerationNumber number, pid_t pid, Time now) { child_ready(line_, number, pid, now); }

void Worker::on_child_exit(GenerationNumber number, pid_t pid, ExitStatus status, bool planned, std::string reason,
                           Time now, double chance) {
    Generation* generation = line_.find(number);
    if (!generation) return;
    const auto found = generation->children.find(pid);
    if (found == generation->children.end()) return;
    const Child child = found->second;
    generation->children.erase(found);
    generation->succession.gone(pid, now); // on_time draws the consequences
    const bool leaving = planned || generation->phase == Phase::draining || generation->phase == Phase::killing;
    line_.leave(Note{.kind = Note::Kind::child_exited,
                     .generation = number,
                     .pid = pid,
                     .status = status,
                     .planned = leaving,
                     .text = std::move(reason)});
    if (generation->is_empty()) return bury(*generation, now, chance);
    if (leaving) return;
    ++crashes_;
    if (child.ready || generation->trial)
        return; // its master replaces it: some request may kill each that gets it, and others are served
    const auto verdict = budget_.on_death(now, Duration(0), chance);
    if (!verdict.give_up) return;
    const std::string why = "a child " + status.to_string() + " before it was ready";
    generation->trouble = why;
    if (is_coming(generation->phase))
        line_.step(*generation, Trigger::retire, now);
    else if (generation->ready_count() == 0) // or those that are left serve on, and their master goes on trying
        give_up(number, verdict.deaths, why, now);
}

void Worker::on_pool_wants(GenerationNumber number, int children) {
    if (Generation* generation = line_.find(number)) generation->wanted = children;
}

void Worker::on_refork_due(GenerationNumber number, pid_t pid, Time now) {
    release_for_refork(line_, number, pid, now);
}

void Worker::on_child_alone(GenerationNumber number, pid_t pid, Time now) {
    if (!child_speaks(line_, number, pid, now)) converge(now);
}

void Worker::on_heir_ready(GenerationNumber number, pid_t pid, Time now) { crown_heir(line_, number, pid, now); }

void Worker::on_probe(GenerationNumber number, bool passed, const std::string& why, Time now) {
    Generation* generation = line_.find(number);
    if (!generation) return;
    if (generation->phase == Phase::gating) {
        if (!generation->probe_gate(passed, why, rules().limits.min_healthy, now)) return;
        line_.step(*generation, Trigger::passed, now);
        if (!generation->hold) return admit(number, now);
        (void)admit_stand_in(now);
        return;
    }
    if (!is_taking_requests(generation->phase)) return;
    if (std::exchange(healthy_, passed) != passed)
        line_.note(Note::Kind::health_changed, number, passed ? "healthy" : "unhealthy: " + why);
}

void Worker::on_liveness(GenerationNumber number, bool passed, const std::string& why, Time now) {
    Generation* generation = line_.find(number);
    if (!generation || !is_taking_requests(generation->phase)) return;
    generation->fails = passed ? 0 : generation->fails + 1;
    if (rules().limits.fails > 0 && generation->fails >= rules().limits.fails) replace_unhealthy(*generation, why, now);
}

// Start first: if its successor is no better, it serves on.
void Worker::replace_unhealthy(Generation& generation, const std::string& why, Time now) {
    if (generation.phase != Phase::serving || !wants_to_run_ || start_again_at_ || line_.any(is_coming)) return;
    if (std::ranges::any_of(line_.all(), &Generation::trial)) return; // an operation is at it
    line_.note(Note::Kind::health_changed, generation.number,
               "replaced, " + std::to_string(generation.fails) + " probes failed in a row: " + why);
    generation.fails = 0;
    spawn(now, false, false);
}

void Worker::on_pause(Duration lasted) {
    if (start_again_at_) *start_again_at_ += lasted;
    line_.on_pause(lasted);
}

void Worker::on_time(Time now) {
    if (line_.lapse_successions(now)) converge(now);
    line_.end_overdue(now);
    if (!start_again_at_ || now < *start_again_at_) return;
    start_again_at_.reset();
    const int deaths = budget_.deaths(now);
    if (deaths >= rules().restart.burst && !line_.any(is_taking_requests)) // those that served have gone
        return give_up(line_.last_number(), deaths, last_failure_, now);
    converge(now);
}

std::optional<Time> Worker::next_deadline() const { return earlier(line_.next_deadline(), start_again_at_); }

// Questions

WorkerState Worker::state() const {
    if (given_up_) return WorkerState::failed;
    if (!wants_to_run_) return line_.all().empty() ? WorkerState::stopped : WorkerState::draining;
    if (const Generation* current = find(serving())) {
        const bool whole = current->phase == Phase::serving && ready() >= wanted();
        return whole && healthy_ ? WorkerState::ready : WorkerState::degraded;
    }
    if (start_again_at_) return WorkerState::backoff;
    if (line_.any(is_coming)) return WorkerState::starting;
    return WorkerState::unknown;
}

// Mechanics

void Worker::try_again() {
    given_up_ = false;
    budget_.reset();
}

GenerationNumber Worker::spawn(Time now, bool hold, bool planned, bool in_haste) {
    start_again_at_.reset();
    Generation& generation = line_.begin(now);
    generation.hold = hold;
    generation.planned = planned;
    generation.passes_wanted = planned || line_.any(is_taking_requests) ? rules().limits.gate_passes : 0;
    if (in_haste) generation.passes_wanted = std::min(generation.passes_wanted, 1);
    line_.leave(Note{
        .kind = Note::Kind::started, .generation = generation.number, .status = {}, .planned = planned, .text = {}});
    return generation.number;
}

void Worker::bury(const Generation& empty, Time now, double chance) {
    on_generation_over(line_.bury(empty), now, chance);
}

void Worker::on_generation_over(const Generation& ended, Time now, double chance) {
    if (!ended.was_ready()) {
        // It never served. An operation that asked for it reads the outcome; what replaces the dead is tried again.
        if (!ended.trouble.empty()) {
            last_failure_ = ended.trouble;
            line_.leave(Note{.kind = Note::Kind::launch_failed,
                             .generation = ended.number,
                             .status = {},
                             .planned = ended.planned,
                             .text = ended.trouble});
        }
        for (Generation& other : line_.all()) other.succession.on_rival(other.phase == Phase::orphaned);
        if (ended.hold) return; // the operation abandons it, and then the worker converges
        settle_death(now, Duration(0), chance, ended.number, ended.trouble);
    } else if (ended.phase == Phase::serving && ended.trial) {
        ++crashes_; // its operation sees it
    } else if (ended.phase == Phase::serving) {
        ++crashes_;
        if (admit_stand_in(now)) return;
        settle_death(now, ended.ready_for(now), chance, ended.number, ended.trouble);
    }
    converge(now);
}

void Worker::settle_death(Time now, Duration lasted, double chance, GenerationNumber number, const std::string& why) {
    const auto verdict = budget_.on_death(now, lasted, chance); // also of one that dies before it is resumed
    if (!wants_to_run_) return;
    last_failure_ = why;
    if (verdict.give_up && ready() == 0) return give_up(number, verdict.deaths, why, now);
    if (verdict.wait.count() == 0) return;
    start_again_at_ = now + verdict.wait;
    line_.note(Note::Kind::backoff, number, "starts again in " + seconds(verdict.wait) + ": " + why);
}

void Worker::give_up(GenerationNumber number, int deaths, const std::string& why, Time now) {
    given_up_ = true;
    start_again_at_.reset();
    last_failure_ = why;
    line_.note(Note::Kind::failed, number,
               "given up after " + std::to_string(deaths) + " deaths within " + seconds(rules().restart.window) +
                   ", the last: " + why);
    for (Generation& generation : line_.all())
        if (is_coming(generation.phase) || generation.phase == Phase::serving)
            line_.step(generation, Trigger::retire, now);
}

// What was to be replaced has died: its successor is there and passed its gate, whatever it waits for.
bool Worker::admit_stand_in(Time now) {
    if (!wants_to_run_ || line_.any(is_taking_requests)) return false;
    const auto found = std::ranges::find_if(line_.all(), [](const Generation& generation) {
        return generation.phase == Phase::standby && generation.replaces;
    });
    if (found == line_.all().end()) return false;
    admit(found->number, now);
    return true;
}

void Worker::converge(Time now) {
    if (!wants_to_run_ || given_up_ || line_.any(is_coming)) return;
    Generation* current = line_.find(serving());
    const bool is_lost = current && current->phase == Phase::orphaned && !current->succession.is_open();
    if (is_lost) // nobody forks for it
        if (const auto next = current->succession.next()) return make_heir(line_, *current, *next, now);
    if (!start_again_at_ && (!current || is_lost)) spawn(now, false, false);
}

} // namespace mpsup::core
