// Watches a simulated site from outside and throws Violation as soon as an invariant does not hold. It keeps books of its own:
// nothing here asks the supervisor what it believes, except for whether a drain was ordered.
#pragma once

#include "supervisor/core/worker.h"
#include "tests/sim/machine.h"

#include <map>
#include <set>
#include <utility>

namespace mpsup::sim {

class Oracle {
public:
    explicit Oracle(Machine& machine) : machine_(machine) {}

    // What the shell does
    void intends(Uuid uuid) { intended_at_[uuid] = machine_.clock.now(); }
    /// Just before the fork.
    void forks(WorkerId worker, GenerationNumber generation, Uuid uuid);
    /// Before SIGKILL reaches `target`, which the shell takes for a process of that worker and generation.
    void kills(ProcessId target, WorkerId worker, GenerationNumber generation);
    void adopts(ProcessId process, WorkerId worker, GenerationNumber generation);
    void tells_serve(WorkerId worker, GenerationNumber generation, int passes_wanted);
    /// `is_wanted`: the worker is to run, and was not given up.
    void tells_drain(WorkerId worker, GenerationNumber generation, bool is_wanted);
    /// It will let its own children in.
    void promotes(ProcessId child);
    void probed(WorkerId worker, GenerationNumber generation, bool passed);

    /// It is on the disk, with all that was written before it.
    void has_topology(unsigned wanted) { topology_ = wanted; }
    /// Another supervisor has read the disk.
    void reads_topology(std::optional<unsigned> wanted);

    // Orphans
    /// One that serves is idle and says so.
    void hears_orphan(ProcessId child) { orphans_.try_emplace(child, machine_.clock.now()); }
    void launch_failed(WorkerId worker) { failed_at_[worker] = machine_.clock.now(); }
    /// Something is loaded for what serves as `generation`.
    void loads_beside(WorkerId worker, GenerationNumber generation);

    /// A generation is killed because it was late.
    void kills_late(WorkerId worker, GenerationNumber generation, Duration grace);

    // Rolls
    void settles(WorkerId worker, GenerationNumber generation, bool is_bad_and_judged_good);
    void check_capacity(WorkerId worker, int ready, int promised);

    // Restarts that nobody ordered
    /// An order came, or another supervisor: counting starts anew.
    void starts_afresh(WorkerId worker) { series_[worker] = {}; }
    void serves(WorkerId worker, GenerationNumber generation) {
        serves_since_.try_emplace({worker, generation}, machine_.clock.now()); // another master changes nothing
    }
    void serves_since_long(WorkerId worker, GenerationNumber generation) { serves_since_[{worker, generation}] = {}; }
    void died(WorkerId worker, GenerationNumber generation, Duration settled);
    /// `others_serve`: what is left of it serves on; then it tries on and on, only ever more slowly.
    void restarts_by_itself(WorkerId worker, const core::RestartRule& rule, bool others_serve);

    // The whole
    /// After every step: one process, one place.
    void check_places(const std::vector<ProcessId>& places);
    /// `down` was reported to be over.
    void check_all_down();
    /// Faults stopped long ago; `wanted` workers, a bit each.
    /// `children`: of each worker.
    void check_quiet(unsigned wanted, const std::vector<int>& children);
    /// What nobody could find any more: it hangs, and what was known of it was lost before it was written.
    [[nodiscard]] bool is_beyond_reach(ProcessId id) const;

private:
    using Key = std::pair<WorkerId, GenerationNumber>;
    struct Series {
        int deaths_in_a_row = 0;
        Time last_death{};
        std::deque<Time> restarts;
    };
    [[nodiscard]] bool is_recorded(ProcessId id) const; // alive, on disk
    [[noreturn]] void fail(const std::string& what);
    void check_rows();

    Machine& machine_;
    std::map<Uuid, Time> intended_at_;
    std::map<Key, int> passes_;
    std::set<Key> let_in_;
    std::map<Key, Time> serves_since_;
    struct Heir {
        ProcessId process = nobody;
        Time since{};
        int supervisor = 0;
    };
    std::map<Key, Heir> heirs_;         // the latest of each generation
    std::map<WorkerId, Heir> promoted_; // and of each worker
    std::optional<unsigned> topology_;
    std::map<ProcessId, Time> orphans_; // since when they were heard
    std::map<WorkerId, Time> failed_at_;
    std::set<ProcessId> heirs_ever_;
    std::map<Key, Time> drained_at_; // of the time that is given
    std::map<WorkerId, Series> series_;
    std::set<Uuid> forked_;
};

} // namespace mpsup::sim
