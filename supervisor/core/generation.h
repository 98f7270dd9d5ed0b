// One generation of a worker: its phase, its processes as far as they are known, its deadline.
#pragma once

#include "supervisor/core/effect.h"
#include "supervisor/core/lifecycle.h"
#include "supervisor/core/restart_budget.h"
#include "supervisor/core/succession.h"

#include <map>
#include <optional>
#include <string>

namespace mpsup::core {

/// How long each phase may take, and what a gate asks. Part of a worker's rules.
struct PhaseLimits {
    Duration hello{10'000}; // from spawn to hello
    Duration load{60'000};  // from go to ready
    Duration gate{30'000};  // from ready to passed
    Duration grace{30'000}; // from drain to gone; then SIGKILL
    Duration kill_again{1'000};
    Duration orphaned{2'000};   // from the death of a master to the first word of an idle child of it
    Duration promotion{90'000}; // from then until its own children are ready; it finishes what it serves first
    int gate_passes = 3;        // probes in a row
    int fails = 0;              // probes of what serves that fail in a row, and a successor is started; 0: never
    Duration min_healthy{0};    // and for so long
    Duration keep{0};           // a generation that was replaced sleeps so long; 0: it does not

    friend bool operator==(const PhaseLimits&, const PhaseLimits&) = default;
};

struct Child {
    bool ready = false;
    Time since{};     // it is ready, or was started
    pid_t master = 0; // that forked it; 0: not known
};

/// Why a phase that took too long is overdue, for people. Empty: it has no limit.
[[nodiscard]] std::string overdue_text(Phase phase, const PhaseLimits& limits);
/// "1.5 s"
[[nodiscard]] std::string seconds(Duration duration);

/// A value; belongs to core::Lineage.
struct Generation {
    GenerationNumber number = 0;
    bool is_pool = false;
    Phase phase = Phase::launching;
    Time phase_since{};
    std::optional<Time> deadline; // of the phase
    bool hold = false;            // an operation decides when it is admitted
    bool has_spoken = true;       // adopted: one of its processes has been heard; else the history alone knows it
    bool replaces = false;        // it was prepared beside what serves: should that die, it stands in
    bool planned = false;         // started by order, not to replace what died
    bool process_alive = true;    // light process or pool master
    int passes = 0;               // probes passed in a row while gating
    int passes_wanted = 0;
    int fails = 0; // probes failed in a row while serving
    Time passing_since{};
    bool trial =
        false; // serves beside an older one until an operation says that it stays: its death is that one's affair
    Time ready_since{}; // serving; epoch: never
    std::map<pid_t, Child> children;
    pid_t crowned = 0; // the child that became its master last; 0: none, as far as this supervisor saw
    int wanted = 0;    // children that its master has in mind
    Succession succession;
    pid_t refork_due = 0; // a child that is to become master when the trial is over; 0: none
    std::string trouble;  // the latest reason why it might not make it

    /// Enters `next` and sets the phase's deadline.
    void enter(Phase next, const PhaseLimits& limits, Time now);

    /// A probe at its gate. True: it has passed, by as many in a row as it should, for as long as it should.
    [[nodiscard]] bool probe_gate(bool passed, const std::string& why, Duration min_healthy, Time now);

    /// Did it ever serve, and how long has it by now?
    [[nodiscard]] bool was_ready() const { return ready_since != Time{}; }
    [[nodiscard]] Duration ready_for(Time now) const;

    /// Children that serve, or 1 for a light process that does. Not those of a master that another took over from: they
    /// are on their way out.
    [[nodiscard]] int ready_count() const;

    /// Its master alone is left, and waits to be woken?
    [[nodiscard]] bool is_asleep() const { return phase == Phase::sleeping && children.empty(); }

    /// Nothing of it is left?
    [[nodiscard]] bool is_empty() const { return !process_alive && children.empty(); }

private:
    [[nodiscard]] bool is_leftover(const Child& child) const;
};

} // namespace mpsup::core
