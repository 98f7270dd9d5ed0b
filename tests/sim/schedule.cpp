#include "tests/sim/schedule.h"

#include "tests/sim/shell.h"

namespace mpsup::sim {

namespace {

using namespace std::chrono_literals;

constexpr Duration longest_operation =
    600s; // every phase on the way has a deadline; several workers, one after the other
constexpr Duration longest_recovery = 600s;
constexpr Duration late_news = 75s; // what was being started when faults stopped has that long to load

class Schedule {
public:
    Schedule(std::uint64_t seed, Bug bug, bool trace)
        : machine_(seed), oracle_(machine_), site_{machine_, oracle_, numbers_, bug, {}} {
        machine_.traces = trace;
        Random& random = machine_.random;
        const int workers = random.between(1, 3);
        for (int i = 0; i < workers; ++i) site_.rules.push_back(rules(random.one_in(2), random.one_in(2)));
        wanted_ = all();
        machine_.faults.process = random.one_in(3) ? 0 : random.between(2, 30);
        machine_.faults.fork = random.one_in(2) ? 0 : random.between(5, 30);
        machine_.faults.late = random.one_in(2) ? 0 : random.between(10, 60);
        machine_.faults.reuse = random.between(2, 8);
        machine_.faults.pauses = random.one_in(3);
        machine_.faults.wall = random.one_in(2);
    }

    std::uint64_t run() {
        start_supervisor();
        const Time end = now() + machine_.random.ms(20'000, 90'000);
        plan_fault(end);
        plan_order(end);
        advance_until(end);
        come_to_rest();
        return machine_.clock.events();
    }
    [[nodiscard]] std::uint64_t events() const { return machine_.clock.events(); }

private:
    static core::WorkerRules rules(bool is_pool, bool keeps) {
        core::WorkerRules rules;
        rules.is_pool = is_pool;
        rules.pool = is_pool ? 2 : 0;
        rules.limits.grace = 5s;
        if (is_pool && keeps) rules.limits.keep = 30s;
        rules.restart.burst = 3;
        return rules;
    }
    [[nodiscard]] unsigned all() const { return (1U << site_.rules.size()) - 1; }
    [[nodiscard]] Time now() const { return machine_.clock.now(); }
    unsigned some() { return static_cast<unsigned>(machine_.random.between(1, static_cast<int>(all()))); }

    void start_supervisor() {
        if (shell_ && shell_->is_alive()) return;
        if (shell_) graveyard_.push_back(std::move(shell_)); // coroutines of the dead still name it
        shell_ = std::make_unique<Shell>(site_);
        shell_->run();
    }

    void step() {
        machine_.clock.run_one();
        if (shell_->exit_in_order()) {
            machine_.trace("supervisor exits");
            is_down_ = true;
        }
        if (!shell_->is_alive() && !restart_is_due_) {
            restart_is_due_ = true;
            machine_.clock.after(machine_.random.ms(0, 5'000), [this] {
                restart_is_due_ = false;
                start_supervisor();
            });
        }
        if (const auto since = shell_->busy_since(); shell_->is_alive() && since && now() - *since > longest_operation)
            throw Violation("an operation does not end:" + shell_->describe());
    }

    void advance_until(Time end) {
        while (!machine_.clock.is_empty() && machine_.clock.next_due() < end) step();
    }

    void plan_fault(Time end) {
        machine_.clock.after(machine_.random.ms(10, 15'000), [this, end] {
            if (now() >= end) return;
            commit_fault();
            plan_fault(end);
        });
    }

    void commit_fault() {
        Random& random = machine_.random;
        switch (random.between(0, 10)) {
        case 0:
        case 1:
        case 2: numbers_.steps_to_live = random.between(0, 15); return;
        case 3: return kill_anybody(false);
        case 4: return kill_anybody(true);
        case 5:
            numbers_.steps_to_live = 0; // and somebody dies while none runs
            machine_.clock.after(random.ms(0, 1'500), [this] {
                if (machine_.faults.enabled) kill_anybody(true);
            });
            return;
        case 6: machine_.trace("the disk refuses"); return machine_.refuse_writes_for(random.ms(100, 20'000));
        case 7:
            if (!machine_.faults.pauses) return;
            machine_.trace("the machine pauses");
            return machine_.clock.pause(random.ms(500, 30'000));
        case 8: return machine_.stranger_comes();
        case 9:
            if (!machine_.faults.wall) return;
            machine_.trace("somebody sets the clock");
            return machine_.clock.set_wall(random.ms(-7'200'000, 7'200'000));
        default: return impersonate();
        }
    }

    // Of ours; strangers end by themselves.
    void kill_anybody(bool only_masters) {
        std::vector<ProcessId> candidates;
        for (const auto& [pid, id] : machine_.living()) {
            const Kind kind = machine_.process(id).kind;
            if (kind != Kind::stranger && (!only_masters || kind != Kind::child)) candidates.push_back(id);
        }
        if (candidates.empty()) return;
        const int which = machine_.random.between(0, static_cast<int>(candidates.size()) - 1);
        machine_.kill(candidates[static_cast<std::size_t>(which)]);
    }

    // A stranger that has a recorded pid says that it is what was recorded.
    void impersonate() {
        for (const auto& [uuid, row] : machine_.disk().rows) {
            const ProcessId holder = machine_.holder_of(row.pid);
            if (row.pid < 0 || holder == nobody || machine_.process(holder).kind != Kind::stranger) continue;
            machine_.impersonate(holder, {Word::What::hello, holder, row.pid, row.start_time, false, row.role,
                                          Stage::serving, row.worker, row.generation, uuid});
            return;
        }
    }

    void plan_order(Time end) {
        machine_.clock.after(machine_.random.ms(0, 20'000), [this, end] {
            if (now() >= end) return;
            give_order();
            plan_order(end);
        });
    }

    void give_order() {
        if (!shell_->is_alive()) return;
        if (Roll* roll = shell_->waiting_roll()) return answer(*roll);
        if (!is_down_ && machine_.random.one_in(6)) return scale();
        const int dice = machine_.random.between(0, 9);
        if (is_down_ || dice < 4 || !shell_->applied()) {
            const unsigned mask = machine_.random.one_in(2) ? all() : some();
            if (order(Verb::up, mask, "up")) is_down_ = false;
        } else if (dice < 9) {
            (void)order(Verb::restart, some(), "restart");
        } else {
            (void)order(Verb::down, all(), "down");
        }
    }

    void scale() {
        const WorkerId worker = machine_.random.between(0, static_cast<int>(site_.rules.size()) - 1);
        const int children = machine_.random.between(1, 4);
        if (!site_.rules[static_cast<std::size_t>(worker)].is_pool) return;
        machine_.trace("order: scale " + std::to_string(worker) + " to " + std::to_string(children));
        shell_->scale(worker, children);
    }

    void answer(Roll& roll) {
        const bool promotes = machine_.random.one_in(2);
        machine_.trace(promotes ? "order: promote" : "order: abort");
        shell_->answer(roll, promotes);
    }

    bool order(Verb verb, unsigned mask, const char* name) {
        if (shell_->is_busy()) return false;
        machine_.trace(std::string("order: ") + name + " " + std::to_string(mask));
        return shell_->order(verb, mask);
    }

    // No faults any more. What was started before may still be about to fail, or its end may not be known yet and be one too
    // many for its budget: so `up` may need another try.
    void come_to_rest() {
        machine_.trace("faults stop");
        machine_.faults = {.enabled = false};
        machine_.refuse_writes_for(Duration(0));
        numbers_.steps_to_live = -1;
        const Time deadline = now() + longest_recovery;
        bool is_up = false;
        while (!is_up) {
            wait_until_idle(deadline);
            if (!order(Verb::up, wanted_, "up")) continue;
            wait_until_idle(deadline);
            advance_until(now() + late_news);
            is_up = shell_->is_alive() && !shell_->is_down() && !shell_->has_failed() && !shell_->has_given_up();
            if (now() > deadline) throw Violation("does not come to rest:" + shell_->describe());
        }
        advance_until(now() + 120s); // back-off, grace, the last words
        wait_until_idle(deadline + 120s);
        std::vector<int> children;
        for (const core::WorkerRules& rules : site_.rules) children.push_back(rules.pool);
        oracle_.check_quiet(wanted_, children);
    }

    void wait_until_idle(Time deadline) {
        while (!shell_->is_alive() || shell_->is_busy()) {
            if (now() > deadline || machine_.clock.is_empty())
                throw Violation("does not come to rest:" + shell_->describe());
            if (Roll* roll = shell_->is_alive() ? shell_->waiting_roll() : nullptr) answer(*roll);
            step();
        }
    }

    Machine machine_;
    Oracle oracle_;
    Numbers numbers_;
    Site site_;
    std::unique_ptr<Shell> shell_;
    std::vector<std::unique_ptr<Shell>> graveyard_;
    unsigned wanted_ = 0;
    bool is_down_ = false;
    bool restart_is_due_ = false;
};

} // namespace

Verdict run_schedule(std::uint64_t seed, Bug bug, bool trace) {
    Schedule schedule(seed, bug, trace);
    try {
        const std::uint64_t events = schedule.run();
        return {true, {}, events};
    } catch (const Violation& violation) {
        return {false, violation.what(), schedule.events()};
    }
}

} // namespace mpsup::sim
