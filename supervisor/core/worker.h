// A worker of the topology: what is wanted of it, its generations, and the decisions about them.
//
// Desired is `stopped` or `running`; actual is the set of generations, at most one of which is on its way:
//
//   desired \ actual | nothing alive       | one is coming        | one serves             | given up
//   -----------------+---------------------+----------------------+------------------------+---------------
//   stopped          | stopped             | it is retired        | it is retired          | stopped
//   running          | spawn (after any    | wait: admit it when  | leave it alone; if it  | failed until
//                    | back-off): starting | it stands by, retire | is orphaned, promote a | somebody asks
//                    |                     | the older ones       | child, or else start a | again
//                    |                     |                      | successor; if that     |
//                    |                     |                      | fails another child    |
//
// A generation that an operation `prepare`d is held in standby until `admit` or `abandon`; one that replaces the dead
// admits itself. What is asked for by an operation and does not get there leaves what served before untouched.
#pragma once

#include "supervisor/core/effect.h"
#include "supervisor/core/generation.h"
#include "supervisor/core/lineage.h"
#include "supervisor/core/restart_budget.h"
#include "supervisor/core/worker_rules.h"
#include "supervisor/core/worker_state.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::core {

/// Pure: no clock, no chance, no system call. Every verb takes the time, and leaves what is to be done in `effects`
/// (take_effects). Generations are named by number; unknown numbers and late news are ignored.
class Worker {
public:
    explicit Worker(WorkerRules rules) : line_(rules), budget_(rules.restart) {}

    // Orders
    /// Makes it run: spawns unless something is coming or serving. Forgets that it was given up. `hold`: an operation
    /// will admit it. Returns the generation to watch.
    GenerationNumber start(Time now, bool hold);
    /// Spawns a successor beside what serves, held in standby.
    /// `in_haste`: one probe is enough.
    GenerationNumber prepare(Time now, bool in_haste = false);
    /// Lets a generation serve that stands by, and lets go of every other one.
    void admit(GenerationNumber number, Time now);
    /// Lets it serve beside the older ones, on trial: until `serve_alone` or `take_back`. If it dies, that is all.
    void admit_beside(GenerationNumber number, Time now);
    /// It stays: the one that served before is sent to sleep, if the rules say so and it is a pool, the rest is retired.
    /// Without `keeps_old` nothing is sent to sleep.
    void serve_alone(GenerationNumber number, Time now, bool keeps_old = true);
    /// Retires one that is on trial or on its way.
    void take_back(GenerationNumber number, Time now);
    /// One that sleeps serves again, on trial.
    void wake(GenerationNumber number, Time now);
    /// Retires a generation that was prepared; what served before is not touched.
    void abandon(GenerationNumber number, Time now);
    /// Starts a successor beside what serves, which takes its place by itself when it has passed its gate. Nothing, when one is coming.
    void replace(Time now);
    /// Forgets that it was given up, its deaths and the wait before its next start, and starts it if it should run.
    void reset(Time now);
    /// Its master was told another size: so is who takes over from it.
    void resize(GenerationNumber number);
    /// Retires everything.
    void stop(Time now);
    /// Rules for what comes from here on; processes that live keep theirs until they are rolled.
    void set_rules(WorkerRules rules);
    /// A generation that an earlier supervisor started, before anything else is asked of this worker: in `gating` (it is
    /// ready), serving, orphaned, sleeping or draining. `has_process`: its light process or pool master lives. Its children are news
    /// that follow. Of one that is known already both are corrected: another process of it was heard first.
    void adopt(GenerationNumber number, Phase phase, bool has_process, Time now);
    /// One of which only a record speaks: it may serve, or have been on its way out.
    void adopt_silent(GenerationNumber number, Time now);
    /// Everything of it that lives is known: what was interrupted is taken back (of several that serve, the one that served
    /// first serves on), one that sleeps sleeps on or, if none serves, does, and what lacks is started.
    void resume(Time now);
    /// One that was adopted after resume(): it goes, unless it serves and nothing else does, or there is nothing else. What an operation brings in is not touched.
    void settle(GenerationNumber number, Time now);
    /// As an earlier supervisor counted.
    void continue_counts(int crashes, int planned_restarts);

    // News
    void on_spawn_failed(GenerationNumber number, const std::string& why, Time now, double chance);
    void on_hello(GenerationNumber number, Time now);
    void on_ready(GenerationNumber number, Time now);
    /// It said that it cannot become ready; its exit follows.
    void on_trouble(GenerationNumber number, std::string why);
    void on_process_exit(GenerationNumber number, pid_t pid, ExitStatus status, Time now, double chance);
    /// `master`: that forked it; 0: not known. Another may say later that it is its own.
    void on_child_started(GenerationNumber number, pid_t pid, pid_t master, Time now);
    void on_child_ready(GenerationNumber number, pid_t pid, Time now);
    /// `reason`: for people, when it is known.
    void on_child_exit(GenerationNumber number, pid_t pid, ExitStatus status, bool planned, std::string reason,
                       Time now, double chance);
    void on_pool_wants(GenerationNumber number, int children);
    /// A child has served enough to be a good master.
    void on_refork_due(GenerationNumber number, pid_t pid, Time now);
    /// A child without a master speaks for itself: it is idle.
    void on_child_alone(GenerationNumber number, pid_t pid, Time now);
    /// The child that was promoted has children that are ready.
    void on_heir_ready(GenerationNumber number, pid_t pid, Time now);
    void on_probe(GenerationNumber number, bool passed, const std::string& why, Time now);
    /// The same of the question whether it is beyond recovery.
    void on_liveness(GenerationNumber number, bool passed, const std::string& why, Time now);
    /// The whole machine, or we, stood still for so long: nobody could keep a deadline meanwhile, so all are moved.
    void on_pause(Duration lasted);
    /// Some deadline may have passed.
    void on_time(Time now);
    /// When to call on_time next, if ever.
    [[nodiscard]] std::optional<Time> next_deadline() const;

    // Questions (core/lineage.h says what they mean)
    [[nodiscard]] WorkerState state() const;
    [[nodiscard]] Progress progress(GenerationNumber number) const { return line_.progress(number); }
    [[nodiscard]] const std::string& trouble(GenerationNumber number) const { return line_.trouble(number); }
    [[nodiscard]] const Generation* find(GenerationNumber number) const { return line_.find(number); }
    [[nodiscard]] const std::vector<Generation>& generations() const { return line_.all(); }
    [[nodiscard]] GenerationNumber sleeping() const { return line_.sleeping(); }
    [[nodiscard]] GenerationNumber serving() const { return line_.serving(); }
    [[nodiscard]] int ready() const { return line_.ready(); }
    [[nodiscard]] int wanted() const { return line_.wanted(); }
    [[nodiscard]] bool wants_to_run() const { return wants_to_run_; }
    [[nodiscard]] bool has_processes() const { return !line_.all().empty(); }
    [[nodiscard]] int crashes() const { return crashes_; }
    [[nodiscard]] int planned_restarts() const { return planned_restarts_; }
    [[nodiscard]] bool is_healthy() const { return healthy_; }
    [[nodiscard]] const std::string& last_failure() const { return last_failure_; }
    [[nodiscard]] const WorkerRules& rules() const { return line_.rules(); }

    [[nodiscard]] Effects take_effects() { return line_.take_effects(); }

    /// Numbers go on from here: those of an earlier supervisor are not used again.
    void continue_after(GenerationNumber number) { line_.continue_after(number); }

private:
    void try_again();
    GenerationNumber spawn(Time now, bool hold, bool planned, bool in_haste = false);
    void wake_sleeper(Time now);
    void bury(const Generation& empty, Time now, double chance);
    void on_generation_over(const Generation& ended, Time now, double chance);
    void settle_death(Time now, Duration lasted, double chance, GenerationNumber number, const std::string& why);
    void give_up(GenerationNumber number, int deaths, const std::string& why, Time now);
    bool admit_stand_in(Time now);
    void converge(Time now);
    void replace_unhealthy(Generation& generation, const std::string& why, Time now);

    Lineage line_;
    RestartBudget budget_;
    bool wants_to_run_ = false;
    bool given_up_ = false;
    bool healthy_ = true;
    std::optional<Time> start_again_at_; // back-off
    int crashes_ = 0;
    int planned_restarts_ = 0;
    std::string last_failure_;
};

} // namespace mpsup::core
