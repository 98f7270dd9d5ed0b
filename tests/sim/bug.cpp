#include "tests/sim/bug.h"

#include <utility>

namespace mpsup::sim {

std::string_view to_string(Bug bug) noexcept {
    switch (bug) {
    case Bug::none: return "none";
    case Bug::skip_intent_row: return "skip_intent_row";
    case Bug::forget_start_time: return "forget_start_time";
    case Bug::adopt_by_pid: return "adopt_by_pid";
    case Bug::forget_exits: return "forget_exits";
    case Bug::serve_before_gate: return "serve_before_gate";
    case Bug::drain_before_serve: return "drain_before_serve";
    case Bug::spawn_twice_on_resume: return "spawn_twice_on_resume";
    case Bug::ignore_budget: return "ignore_budget";
    case Bug::no_backoff: return "no_backoff";
    case Bug::drop_drain_deadline: return "drop_drain_deadline";
    case Bug::double_adoption: return "double_adoption";
    case Bug::kill_by_pid: return "kill_by_pid";
    case Bug::lose_children: return "lose_children";
    case Bug::keep_both_generations: return "keep_both_generations";
    case Bug::forget_worker: return "forget_worker";
    case Bug::spare_the_silent: return "spare_the_silent";
    case Bug::crown_every_orphan: return "crown_every_orphan";
    case Bug::miss_exits: return "miss_exits";
    case Bug::undrain: return "undrain";
    case Bug::forget_topology_row: return "forget_topology_row";
    case Bug::record_start_before_pid: return "record_start_before_pid";
    case Bug::finish_down_early: return "finish_down_early";
    case Bug::drop_latecomers: return "drop_latecomers";
    case Bug::shrink_the_old_first: return "shrink_the_old_first";
    case Bug::forget_to_settle: return "forget_to_settle";
    case Bug::keep_what_was_taken_back: return "keep_what_was_taken_back";
    case Bug::trust_wall_clock: return "trust_wall_clock";
    case Bug::deadlines_by_wall_clock: return "deadlines_by_wall_clock";
    case Bug::ignore_pauses: return "ignore_pauses";
    case Bug::forget_orphans: return "forget_orphans";
    case Bug::forget_size: return "forget_size";
    case Bug::count: break;
    }
    std::unreachable();
}

} // namespace mpsup::sim
