// Bugs that are seeded on purpose, each into the simulated shell: a simulation that does not find them proves nothing.
#pragma once

#include <string_view>

namespace mpsup::sim {

enum class Bug {
    none,
    skip_intent_row,          // forks before the intent is written
    forget_start_time,        // a recorded pid is taken for the recorded process
    adopt_by_pid,             // whoever says hello is believed
    forget_exits,             // ends are not recorded
    serve_before_gate,        // ready is enough
    drain_before_serve,       // the old one is told to leave first
    spawn_twice_on_resume,    // and both are kept
    ignore_budget,            // what was given up is started again
    no_backoff,               // what waits is started at once
    drop_drain_deadline,      // nobody is killed for being late
    double_adoption,          // a hello is taken twice
    kill_by_pid,              // whoever has the pid now is killed
    lose_children,            // those of a dead master are forgotten
    keep_both_generations,    // of two that were taken over none is retired
    forget_worker,            // one worker is not resumed
    spare_the_silent,         // who says nothing to a new supervisor is left alone
    crown_every_orphan,       // each orphan becomes a master
    miss_exits,               // an end goes unnoticed
    undrain,                  // one that drained is taken over as one that serves
    forget_topology_row,      // what was applied is not recorded
    record_start_before_pid,  // the start row has another start time than the kernel
    finish_down_early,        // `down` ends while processes drain
    drop_latecomers,          // who says hello after the takeover is turned away
    shrink_the_old_first,     // of two generations the old one, before the new one is whole
    forget_to_settle,         // the old one is not told that it is over
    keep_what_was_taken_back, // a bad release serves on
    trust_wall_clock,         // the topology with the latest time is taken for the last one
    deadlines_by_wall_clock,  // what has a deadline has it in the time that people set
    ignore_pauses,            // who could not run is late
    forget_orphans,           // who is idle and has no master is not remembered
    forget_size,              // a pool that was scaled is not told
    count,
};

[[nodiscard]] std::string_view to_string(Bug bug) noexcept;

} // namespace mpsup::sim
