#include "tests/sim/oracle.h"

#include "state/store.h"

#include <algorithm>

namespace mpsup::sim {

namespace {

constexpr Duration unnoticed{40'000}; // a late message, and a machine that pauses
constexpr Duration promotion{30'000}; // and longer before another child is chosen

std::string name(WorkerId worker, GenerationNumber generation) {
    return std::to_string(worker) + "/" + std::to_string(generation);
}

} // namespace

void Oracle::fail(const std::string& what) { throw Violation(what); }

void Oracle::forks(WorkerId worker, GenerationNumber generation, Uuid uuid) {
    if (!forked_.insert(uuid).second) fail("two processes of uuid " + std::to_string(uuid));
    const auto intended = intended_at_.find(uuid);
    const bool written = machine_.disk().rows.contains(uuid);
    const bool waited =
        intended != intended_at_.end() && machine_.clock.now() - intended->second >= state::intent_patience;
    if (!written && !waited) fail(name(worker, generation) + " is forked without its intent on disk");
    for (const ProcessId id : machine_.living_of_worker(worker)) {
        const Process& other = machine_.process(id);
        if (other.generation == generation)
            fail(name(worker, generation) + " is started while a process of that number lives, pid " +
                 std::to_string(other.pid));
    }
}

void Oracle::kills(ProcessId target, WorkerId worker, GenerationNumber generation) {
    const Process& process = machine_.process(target);
    if (!process.alive) return;
    if (process.kind == Kind::stranger || process.worker != worker || process.generation != generation)
        fail("SIGKILL for " + name(worker, generation) + " reaches another process, pid " +
             std::to_string(process.pid));
}

void Oracle::adopts(ProcessId id, WorkerId worker, GenerationNumber generation) {
    const Process& process = machine_.process(id);
    if (process.kind == Kind::stranger || process.worker != worker || process.generation != generation)
        fail("pid " + std::to_string(process.pid) + " is adopted as " + name(worker, generation) + " and is not");
}

void Oracle::probed(WorkerId worker, GenerationNumber generation, bool passed) {
    int& passes = passes_[{worker, generation}];
    passes = passed ? passes + 1 : 0;
}

void Oracle::tells_serve(WorkerId worker, GenerationNumber generation, int passes_wanted) {
    if (passes_[{worker, generation}] < passes_wanted)
        fail(name(worker, generation) + " is let in before it passed its gate");
    let_in_.emplace(worker, generation);
    const auto living = machine_.living_of_worker(worker);
    const bool is_ready = std::ranges::any_of(living, [&](ProcessId id) {
        return machine_.process(id).generation == generation && machine_.process(id).stage != Stage::fresh;
    });
    const bool any =
        std::ranges::any_of(living, [&](ProcessId id) { return machine_.process(id).generation == generation; });
    if (any && !is_ready) fail(name(worker, generation) + " is let in before it is ready");
}

void Oracle::promotes(ProcessId id) {
    const Process& child = machine_.process(id);
    if (child.alive && !child.was_told_serve && !let_in_.contains({child.worker, child.generation}))
        fail("pid " + std::to_string(child.pid) + " becomes a master and passed no gate");
    Heir& heir = heirs_[{child.worker, child.generation}];
    const Heir now{id, machine_.clock.now(), machine_.supervisor()};
    const bool is_on_its_way = heir.process != nobody && machine_.process(heir.process).alive &&
                               machine_.process(heir.process).kind == Kind::child && now.since < heir.since + promotion;
    if (is_on_its_way && heir.process != id && heir.supervisor == now.supervisor)
        fail("pid " + std::to_string(child.pid) + " becomes a master while pid " +
             std::to_string(machine_.process(heir.process).pid) + " does");
    heir = now;
    heirs_ever_.insert(id);
    promoted_[child.worker] = now;
}

void Oracle::tells_drain(WorkerId worker, GenerationNumber generation, bool is_wanted) {
    drained_at_.try_emplace({worker, generation}, machine_.clock.given());
    if (!is_wanted) return;
    bool serves_now = false;
    bool other_serves = false; // or did a moment ago: its end may not be known yet; of one that hangs nobody knows
    for (const Process& process : machine_.processes()) {
        if (process.worker != worker || process.kind == Kind::stranger) continue;
        if (process.generation == generation) serves_now |= process.alive && process.stage == Stage::serving;
        const bool is_there = process.alive || machine_.clock.now() - process.ended_at < unnoticed;
        if (process.generation != generation) other_serves |= is_there && (process.was_told_serve || process.is_hung);
    }
    if (serves_now && !other_serves) fail(name(worker, generation) + " is drained before another generation serves");
}

void Oracle::settles(WorkerId worker, GenerationNumber generation, bool is_bad_and_judged_good) {
    if (is_bad_and_judged_good) fail(name(worker, generation) + " is judged good, and breaks one request in ten");
}

void Oracle::check_capacity(WorkerId worker, int ready, int promised) {
    if (ready < promised)
        fail("worker " + std::to_string(worker) + " has " + std::to_string(ready) + " children ready, and " +
             std::to_string(promised) + " are promised");
}

void Oracle::reads_topology(std::optional<unsigned> wanted) {
    if (topology_ && wanted != topology_) fail("the topology that was applied last is lost");
}

void Oracle::loads_beside(WorkerId worker, GenerationNumber generation) {
    const auto failed = failed_at_.find(worker);
    if (failed == failed_at_.end()) return;
    if (const auto heir = promoted_.find(worker); heir != promoted_.end()) { // after an heir it is a load's turn
        const Process& last = machine_.process(heir->second.process);
        const Time over = last.alive ? heir->second.since + core::PhaseLimits{}.promotion : last.ended_at;
        if (failed->second <= over + unnoticed) return;
    }
    for (const auto& [id, since] : orphans_) {
        const Process& orphan = machine_.process(id);
        const bool is_heard = orphan.alive && !orphan.is_hung && orphan.kind == Kind::child && orphan.connection >= 0;
        if (is_heard && orphan.worker == worker && orphan.generation == generation && !orphan.was_told_drain &&
            orphan.stage == Stage::serving && since < failed->second && !heirs_ever_.contains(id))
            fail("worker " + std::to_string(worker) + " is loaded again while pid " + std::to_string(orphan.pid) +
                 " could be its master");
    }
}

void Oracle::kills_late(WorkerId worker, GenerationNumber generation, Duration grace) {
    const auto told = drained_at_.find({worker, generation});
    if (told != drained_at_.end() && machine_.clock.given() - told->second < grace)
        fail(name(worker, generation) + " is killed for being late, and had no time");
}

void Oracle::died(WorkerId worker, GenerationNumber generation, Duration settled) {
    Series& series = series_[worker];
    const Time now = machine_.clock.now();
    const auto since = serves_since_.find({worker, generation});
    const bool was_settled = since != serves_since_.end() && now - since->second >= settled;
    series.deaths_in_a_row = was_settled ? 1 : series.deaths_in_a_row + 1;
    series.last_death = now;
    serves_since_.erase({worker, generation}); // if a child of it becomes its master it begins anew
}

void Oracle::restarts_by_itself(WorkerId worker, const core::RestartRule& rule, bool others_serve) {
    Series& series = series_[worker];
    const Time now = machine_.clock.now();
    if (series.deaths_in_a_row >= 2 && now - series.last_death < rule.backoff * 8 / 10)
        fail("worker " + std::to_string(worker) + " is started again without a wait");
    std::erase_if(series.restarts, [&](Time then) { return now - then > rule.window; });
    series.restarts.push_back(now);
    // One more: what follows a failed operation is no restart of something that died.
    if (!others_serve && static_cast<int>(series.restarts.size()) > rule.burst + 1)
        fail("worker " + std::to_string(worker) + " is started again more often than its budget allows");
}

void Oracle::check_places(const std::vector<ProcessId>& places) {
    for (std::size_t i = 0; i < places.size(); ++i)
        for (std::size_t j = i + 1; j < places.size(); ++j)
            if (places[i] == places[j] && machine_.process(places[i]).alive)
                fail("pid " + std::to_string(machine_.process(places[i]).pid) + " is held twice");
}

bool Oracle::is_beyond_reach(ProcessId id) const { return machine_.process(id).is_hung && !is_recorded(id); }

bool Oracle::is_recorded(ProcessId id) const {
    const Process& process = machine_.process(id);
    return std::ranges::any_of(machine_.disk().rows, [&](const auto& entry) {
        const Row& row = entry.second;
        return row.pid == process.pid && row.start_time == process.start_time && !row.has_ended;
    });
}

void Oracle::check_all_down() {
    for (const auto& [pid, id] : machine_.living()) {
        const Process& process = machine_.process(id);
        const bool is_recorded = std::ranges::any_of(machine_.disk().rows, [&](const auto& entry) {
            return entry.second.pid == pid && entry.second.start_time == process.start_time;
        });
        if (process.kind != Kind::stranger && is_recorded) fail("pid " + std::to_string(pid) + " survives down");
    }
}

void Oracle::check_quiet(unsigned wanted, const std::vector<int>& children) {
    for (WorkerId worker = 0; worker < static_cast<WorkerId>(children.size()); ++worker) {
        int there = 0;
        int hung = 0;     // their masters find them; here nobody looks
        int stubborn = 0; // when a pool shrinks they stay as long as their clients
        std::set<GenerationNumber> serving;
        std::set<GenerationNumber> sleepers; // one may
        for (const ProcessId id : machine_.living_of_worker(worker)) {
            const Process& process = machine_.process(id);
            hung += process.is_hung && process.kind == Kind::child ? 1 : 0;
            if (is_beyond_reach(id) || (process.is_hung && process.kind == Kind::child)) continue;
            if (process.stage == Stage::sleeping && sleepers.insert(process.generation).second && sleepers.size() == 1)
                continue;
            if (process.stage != Stage::serving)
                fail("worker " + std::to_string(worker) + ": pid " + std::to_string(pid_t{process.pid}) +
                     " is left over and does not serve" + (process.is_hung ? ", hangs" : "") +
                     (process.connection >= 0 ? ", is heard" : ", is not heard"));
            serving.insert(process.generation);
            there += process.kind == Kind::child && process.told_ready ? 1 : 0;
            stubborn += process.kind == Kind::child && process.ignores_drain ? 1 : 0;
        }
        const std::size_t expected = (wanted >> worker) & 1U;
        if (serving.size() != expected)
            fail("worker " + std::to_string(worker) + ": " + std::to_string(serving.size()) +
                 " generations serve instead of " + std::to_string(expected));
        const int wanted_children = expected == 0 ? 0 : children[static_cast<std::size_t>(worker)];
        // One that was to be master and did not get there may be left over, beside the pool (DESIGN.md, known to be weak).
        if (there + hung < wanted_children || (there - stubborn > wanted_children && !promoted_.contains(worker)))
            fail("worker " + std::to_string(worker) + ": " + std::to_string(there) + " children instead of " +
                 std::to_string(wanted_children));
    }
    check_rows();
}

void Oracle::check_rows() {
    for (const auto& [uuid, row] : machine_.disk().rows) {
        if (row.has_ended) continue;
        const ProcessId holder = machine_.holder_of(row.pid);
        if (holder == nobody || machine_.process(holder).start_time != row.start_time)
            fail("the history has uuid " + std::to_string(uuid) + " of worker " + std::to_string(row.worker) +
                 " alive, pid " + std::to_string(row.pid) + ", which is dead");
    }
    for (const auto& [pid, id] : machine_.living()) {
        const Process& process = machine_.process(id);
        if (process.kind == Kind::stranger || is_beyond_reach(id)) continue;
        const auto rows = std::ranges::count_if(machine_.disk().rows, [&](const auto& entry) {
            const Row& row = entry.second;
            return !row.has_ended && row.pid == process.pid && row.start_time == process.start_time;
        });
        if (rows != 1) fail("the history has pid " + std::to_string(pid) + " " + std::to_string(rows) + " times");
    }
}

} // namespace mpsup::sim
