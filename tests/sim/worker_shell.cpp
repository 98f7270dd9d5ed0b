// One worker, as supervisor/daemon/worker_{handle,launch,news,adoption}.cpp have it.
#include "base/overloaded.h"
#include "state/store.h"
#include "supervisor/core/ticks.h"
#include "tests/sim/shell.h"

#include <algorithm>
#include <utility>

namespace mpsup::sim {

namespace {

constexpr Duration gate_interval{200};

core::Phase phase_of(Stage stage) {
    switch (stage) {
    case Stage::fresh:
    case Stage::ready: return core::Phase::gating;
    case Stage::serving: return core::Phase::serving;
    case Stage::sleeping: return core::Phase::sleeping;
    case Stage::draining: return core::Phase::draining;
    }
    std::unreachable();
}

} // namespace

WorkerShell::WorkerShell(Shell& shell, WorkerId id, GenerationNumber last_generation)
    : shell_(shell),
      machine_(shell.site().machine),
      oracle_(shell.site().oracle),
      id_(id),
      core_(shell.site().rules[static_cast<std::size_t>(id)]) {
    core_.continue_after(last_generation);
}

Time WorkerShell::now() const {
    return has(Bug::deadlines_by_wall_clock) ? machine_.clock.wall() : machine_.clock.now();
}
bool WorkerShell::has(Bug bug) const { return shell_.site().bug == bug; }
double WorkerShell::dice() { return machine_.random.fraction(); }
Uuid WorkerShell::fresh_uuid() { return ++shell_.site().numbers.last_uuid; }

// Orders

GenerationNumber WorkerShell::start(bool hold) {
    oracle_.starts_afresh(id_);
    is_ordered_ = true;
    is_held_ = hold;
    const auto number = core_.start(now(), hold);
    act();
    is_ordered_ = is_held_ = false;
    return number;
}

GenerationNumber WorkerShell::prepare(int children) {
    oracle_.starts_afresh(id_);
    is_ordered_ = true;
    is_held_ = true;
    first_size_ = children;
    const auto number = core_.prepare(now());
    act();
    is_ordered_ = is_held_ = false;
    return number;
}

void WorkerShell::admit_beside(GenerationNumber number) {
    core_.admit_beside(number, now());
    act();
}

void WorkerShell::serve_alone(GenerationNumber number, bool keeps_old) {
    core_.serve_alone(number, now(), keeps_old);
    act();
}

void WorkerShell::take_back(GenerationNumber number) {
    core_.take_back(number, now());
    act();
}

void WorkerShell::wake(GenerationNumber number) {
    core_.wake(number, now());
    act();
}

int WorkerShell::size_of(const GenerationShell& generation) const {
    return generation.rolled.value_or(core_.rules().pool);
}

void WorkerShell::size_generation(GenerationNumber number, std::optional<int> children) {
    GenerationShell* generation = find(number);
    if (!generation) return;
    generation->rolled = children;
    if (generation->process.link >= 0 && !generation->draining)
        machine_.tell(generation->process.link, Order::size, size_of(*generation));
    core_.resize(number);
    act();
}

void WorkerShell::resize(int children) {
    core::WorkerRules rules = core_.rules();
    rules.pool = children;
    core_.set_rules(rules);
    for (const auto& generation : generations_) {
        generation->rolled.reset(); // it has not begun to load, perhaps
        const core::Generation* known = core_.find(generation->number);
        if (!known || known->phase == core::Phase::sleeping || has(Bug::forget_size)) continue;
        if (generation->process.link >= 0 && !generation->draining)
            machine_.tell(generation->process.link, Order::size, children);
        core_.resize(generation->number);
    }
    act();
}

void WorkerShell::admit(GenerationNumber number) {
    core_.admit(number, now());
    act();
}

void WorkerShell::abandon(GenerationNumber number) {
    core_.abandon(number, now());
    act();
}

void WorkerShell::stop() {
    core_.stop(now());
    act();
}

void WorkerShell::settle(GenerationNumber number) {
    oracle_.starts_afresh(id_);
    is_ordered_ = true;
    core_.settle(number, now());
    act();
    is_ordered_ = false;
}

void WorkerShell::give_up_newcomers() {
    std::vector<GenerationNumber> coming;
    for (const core::Generation& generation : core_.generations())
        if (core::is_coming(generation.phase)) coming.push_back(generation.number);
    for (const auto number : coming) core_.abandon(number, now());
    act();
}

void WorkerShell::resume(bool is_wanted) {
    oracle_.starts_afresh(id_);
    if (is_wanted && has(Bug::keep_both_generations) && core_.generations().size() > 1) return act();
    is_ordered_ = true;
    if (is_wanted)
        core_.resume(now());
    else
        core_.stop(now());
    if (is_wanted && has(Bug::spawn_twice_on_resume))
        for (const core::Effect& effect : core_.take_effects()) {
            perform(effect);
            if (const auto* spawn = std::get_if<core::Spawn>(&effect)) launch(spawn->generation);
        }
    act();
    is_ordered_ = false;
    if (is_wanted && core_.rules().is_pool && core_.serving() != 0)
        size_generation(core_.serving(), std::nullopt); // it was rolled, perhaps
}

// Doing what the core decides

void WorkerShell::act() {
    if (acting_) return;
    acting_ = true;
    for (auto effects = core_.take_effects(); !effects.empty(); effects = core_.take_effects()) {
        if (has(Bug::drain_before_serve))
            std::ranges::stable_partition(
                effects, [](const core::Effect& effect) { return std::holds_alternative<core::SendDrain>(effect); });
        for (const core::Effect& effect : effects) {
            shell_.step();
            perform(effect);
        }
    }
    acting_ = false;
    std::erase_if(generations_, [&](const auto& generation) {
        if (core_.find(generation->number)) return false;
        if (generation->process.link >= 0) machine_.hang_up(generation->process.link);
        for (const Serving& master : generation->retiring) {
            if (master.link >= 0) machine_.hang_up(master.link);
            kill(*generation, master);
            record_exit(master.uuid);
        }
        return true;
    });
    arm_timer();
    shell_.changed();
}

void WorkerShell::perform(const core::Effect& effect) {
    const auto with = [&](GenerationNumber number, auto what) {
        if (GenerationShell* generation = find(number)) what(*generation);
    };
    std::visit(
        Overloaded{
            [&](const core::Spawn& spawn) {
                if (!is_ordered_) oracle_.restarts_by_itself(id_, core_.rules().restart, core_.ready() > 0);
                if (!is_ordered_ && core_.serving() != 0) oracle_.loads_beside(id_, core_.serving());
                generations_.push_back(std::make_unique<GenerationShell>());
                generations_.back()->number = spawn.generation;
                generations_.back()->held = is_held_;
                if (is_held_ && first_size_ > 0) generations_.back()->rolled = first_size_;
                shell_.later(Duration(0), [this, number = spawn.generation] { launch(number); });
            },
            [&](const core::SendGo& go) {
                with(go.generation,
                     [&](GenerationShell& it) { machine_.tell(it.process.link, Order::go, size_of(it)); });
            },
            [&](const core::OpenGate& gate) { keep_gate(gate.generation); },
            [&](const core::SendServe& serve) {
                with(serve.generation, [&](GenerationShell& it) {
                    if (const core::Generation* known = core_.find(it.number))
                        oracle_.tells_serve(id_, it.number, known->passes_wanted);
                    if (it.process.link >= 0) machine_.tell(it.process.link, Order::serve);
                });
            },
            [&](const core::SendSleep& sleep) {
                with(sleep.generation, [&](GenerationShell& it) {
                    if (it.process.link >= 0) machine_.tell(it.process.link, Order::sleep);
                });
            },
            [&](const core::SendWake& wake) {
                with(wake.generation, [&](GenerationShell& it) {
                    it.rolled.reset();
                    if (it.process.link >= 0) machine_.tell(it.process.link, Order::wake);
                });
            },
            [&](const core::SendDrain& drain) { with(drain.generation, [&](GenerationShell& it) { send_drain(it); }); },
            [&](const core::ReleaseChild& release) {
                with(release.generation, [&](GenerationShell& it) {
                    if (it.process.link >= 0) machine_.tell(it.process.link, Order::release, release.pid);
                    const auto child = it.children.find(release.pid);
                    if (child != it.children.end()) watch(child->second);
                });
            },
            [&](const core::PromoteChild& child) {
                with(child.generation, [&](GenerationShell& it) { promote(it, child.pid); });
            },
            [&](const core::CrownChild& child) {
                with(child.generation, [&](GenerationShell& it) { crown(it, child.pid); });
            },
            [&](const core::Kill& kill) { with(kill.generation, [&](GenerationShell& it) { kill_all(it); }); },
            [&](const core::Note& note) { perform_note(note); },
        },
        effect);
}

void WorkerShell::perform_note(const core::Note& note) {
    if (machine_.traces)
        machine_.trace("  " + std::to_string(id_) + "/" + std::to_string(note.generation) + " " +
                       std::string(core::to_string(note.kind)) +
                       (note.pid > 0 ? " pid " + std::to_string(note.pid) : "") +
                       (note.text.empty() ? "" : ": " + note.text));
    if (note.kind == core::Note::Kind::ready || note.kind == core::Note::Kind::promoted)
        oracle_.serves(id_, note.generation);
    const GenerationShell* generation = find(note.generation);
    if (note.kind == core::Note::Kind::exited && !note.planned && !(generation && generation->held))
        oracle_.died(id_, note.generation, core_.rules().restart.settled);
    if (note.kind == core::Note::Kind::launch_failed) oracle_.launch_failed(id_);
    if (note.kind == core::Note::Kind::killed) oracle_.kills_late(id_, note.generation, core_.rules().limits.grace);
    if (note.kind == core::Note::Kind::backoff && has(Bug::no_backoff)) (void)core_.start(now(), false);
    if (note.kind == core::Note::Kind::failed && has(Bug::ignore_budget)) (void)core_.start(now(), false);
}

void WorkerShell::arm_timer() {
    const auto deadline = core_.next_deadline();
    if (!deadline) return;
    // Ticks notice that everything stood still; where nothing ever does they would only cost time.
    const Time wake = machine_.faults.pauses ? core::next_look(*deadline, now()) : *deadline;
    if (timer_ && *timer_ <= wake) return; // it wakes us early enough, and knows how late it is
    timer_ = wake;
    shell_.later(std::max(Duration(0), std::chrono::ceil<Duration>(wake - now())), [this, wake] {
        if (timer_ != wake) return;
        timer_.reset();
        if (!has(Bug::ignore_pauses)) core_.on_pause(core::stood_still(wake, now()));
        core_.on_time(now());
        act();
    });
}

GenerationShell* WorkerShell::find(GenerationNumber number) {
    const auto found = std::ranges::find(generations_, number, &GenerationShell::number);
    return found == generations_.end() ? nullptr : found->get();
}

bool WorkerShell::knows(ProcessId process) const {
    std::vector<ProcessId> all;
    places(all);
    return std::ranges::find(all, process) != all.end();
}

void WorkerShell::places(std::vector<ProcessId>& all) const {
    for (const auto& generation : generations_) {
        if (generation->process.process != nobody) all.push_back(generation->process.process);
        for (const Serving& master : generation->retiring) all.push_back(master.process);
        for (const auto& [pid, child] : generation->children) all.push_back(child.process);
    }
}

// From intent to go

void WorkerShell::launch(GenerationNumber number) {
    GenerationShell* generation = find(number);
    if (!generation) return;
    const Uuid uuid = generation->process.uuid = fresh_uuid();
    if (has(Bug::skip_intent_row)) return launch_recorded(number, uuid);
    const Kind role = core_.rules().is_pool ? Kind::master : Kind::light;
    auto is_over = std::make_shared<bool>(false);
    const auto go_on = [this, number, uuid, is_over] {
        if (!std::exchange(*is_over, true)) launch_recorded(number, uuid);
    };
    shell_.step();
    oracle_.intends(uuid);
    machine_.write(
        [=, id = id_](Disk& disk) { disk.rows.try_emplace(uuid, Row{uuid, id, number, role, -1, 0, false}); },
        shell_.bound(go_on));
    shell_.later(state::intent_patience, go_on);
}

void WorkerShell::launch_recorded(GenerationNumber number, Uuid uuid) {
    GenerationShell* generation = find(number);
    if (!generation) return record_exit(uuid);
    ProcessId born = nobody;
    if (!generation->killed) {
        shell_.step();
        oracle_.forks(id_, number, uuid);
        const auto& rules = core_.rules();
        born = machine_.spawn(rules.is_pool ? Kind::master : Kind::light, id_, number, uuid, size_of(*generation));
        shell_.step(); // the process is there, and nobody has written down its pid
    }
    if (born == nobody) {
        record_exit(uuid);
        core_.on_spawn_failed(number, "cannot fork", now(), dice());
        return act();
    }
    generation->process.process = born;
    record_start(*generation, generation->process, core_.rules().is_pool ? Kind::master : Kind::light);
    watch(generation->process);
    act();
}

void WorkerShell::record_start(const GenerationShell& generation, const Serving& serving, Kind role) {
    shell_.step();
    const Process& process = machine_.process(serving.process);
    Row row{serving.uuid, id_, generation.number, role, process.pid, process.start_time, false};
    if (has(Bug::record_start_before_pid)) --row.start_time;
    machine_.write([row](Disk& disk) { disk.rows[row.uuid] = row; });
}

void WorkerShell::record_exit(Uuid uuid) {
    shell_.step();
    if (has(Bug::forget_exits)) return;
    machine_.write([uuid](Disk& disk) {
        if (const auto row = disk.rows.find(uuid); row != disk.rows.end()) row->second.has_ended = true;
    });
}

void WorkerShell::keep_gate(GenerationNumber number) {
    shell_.later(machine_.random.ms(0, 5), [this, number] {
        const core::Generation* known = core_.find(number);
        if (!known || known->phase != core::Phase::gating) return;
        const bool is_unlucky = machine_.faults.enabled && machine_.random.one_in(30);
        const bool passed = machine_.answers(id_, number) && !is_unlucky;
        oracle_.probed(id_, number, passed);
        core_.on_probe(number, passed, "no answer", now());
        act();
        shell_.later(gate_interval, [this, number] { keep_gate(number); });
    });
}

void WorkerShell::send_drain(GenerationShell& generation) {
    oracle_.tells_drain(id_, generation.number, core_.wants_to_run() && core_.state() != core::WorkerState::failed);
    generation.draining = true;
    if (generation.process.link >= 0 && generation.process.process != nobody)
        machine_.tell(generation.process.link, Order::drain);
    for (auto& [pid, child] : generation.children)
        if (child.link >= 0) machine_.tell(child.link, Order::drain);
}

void WorkerShell::kill_all(GenerationShell& generation) {
    if (has(Bug::drop_drain_deadline) && generation.draining) return;
    generation.killed = true;
    if (generation.process.process != nobody) kill(generation, generation.process);
    for (const Serving& master : generation.retiring) kill(generation, master);
    for (auto& [pid, child] : generation.children) kill(generation, child);
}

void WorkerShell::kill(const GenerationShell& generation, const Serving& process) {
    ProcessId target = process.process;
    if (has(Bug::kill_by_pid)) target = machine_.holder_of(machine_.process(target).pid);
    if (target == nobody) return;
    oracle_.kills(target, id_, generation.number);
    machine_.kill(target);
}

// News

bool WorkerShell::greet(const Word& hello, ProcessId speaker, int connection) {
    GenerationShell* generation = find(hello.generation);
    if (!generation) return false;
    if (hello.kind == Kind::child || generation->children.contains(hello.pid)) { // or it is a master by now
        const auto child = generation->children.find(hello.pid);
        if (child == generation->children.end() ||
            machine_.process(child->second.process).start_time != hello.start_time)
            return false;
        greet_child(*generation, child->second, hello.stage, connection);
        return true;
    }
    const Serving& expected = generation->process;
    if (expected.uuid != hello.uuid || expected.process != speaker || expected.link >= 0) return false;
    generation->process.link = connection;
    shell_.link(connection, id_, generation->number, speaker);
    core_.on_hello(generation->number, now());
    act();
    return true;
}

void WorkerShell::greet_child(GenerationShell& generation, Serving& child, Stage stage, int connection) {
    child.link = connection;
    shell_.link(connection, id_, generation.number, child.process);
    watch(child);
    const core::Generation* in_core = core_.find(generation.number);
    if (stage == Stage::ready && in_core && in_core->phase == core::Phase::orphaned) {
        core_.adopt(generation.number, core::Phase::draining, false, now());
        generation.draining = true;
    }
    const bool has_other_master = generation.process.process != nobody && child.master != generation.process.process;
    if (generation.draining || has_other_master) {
        machine_.tell(connection, Order::drain);
        child.leaving = has_other_master;
        if (has_other_master) end_predecessors(generation);
        return;
    }
    const bool is_remembered = !has(Bug::forget_orphans) || (in_core && in_core->succession.is_open());
    oracle_.hears_orphan(child.process);
    if (is_remembered) core_.on_child_alone(generation.number, machine_.process(child.process).pid, now());
    if (has(Bug::crown_every_orphan)) promote(generation, machine_.process(child.process).pid);
    act();
}

void WorkerShell::promote(GenerationShell& generation, pid_t pid) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end() || child->second.link < 0) return;
    oracle_.promotes(child->second.process);
    machine_.tell(child->second.link, Order::promote, size_of(generation));
}

void WorkerShell::crown(GenerationShell& generation, pid_t pid) {
    auto child = generation.children.extract(pid);
    if (child.empty()) return;
    if (generation.process.process != nobody) {
        if (generation.process.link >= 0) machine_.tell(generation.process.link, Order::drain);
        generation.retiring.push_back(generation.process);
    }
    generation.process = child.mapped();
    record_start(generation, generation.process, Kind::master);
    if (generation.process.link >= 0) {
        machine_.tell(generation.process.link, Order::wake); // it may sleep
        machine_.tell(generation.process.link, Order::size,
                      size_of(generation)); // or was promoted before this was its size
    }
    dismiss_orphans(generation);
}

void WorkerShell::dismiss_orphans(GenerationShell& generation) {
    const core::Generation* in_core = core_.find(generation.number);
    for (auto& [pid, orphan] : generation.children) {
        if (in_core && in_core->succession.heir() == pid) continue;
        orphan.leaving = orphan.master != generation.process.process;
        if (orphan.link >= 0) machine_.tell(orphan.link, Order::drain);
    }
    end_predecessors(generation);
}

std::vector<ProcessId> WorkerShell::predecessors_in(const GenerationShell& generation) {
    std::vector<ProcessId> all;
    for (const Serving& master : generation.retiring) all.push_back(master.process);
    for (const auto& [pid, child] : generation.children)
        if (child.master != generation.process.process) all.push_back(child.process);
    return all;
}

void WorkerShell::end_predecessors(const GenerationShell& generation) {
    shell_.later(core_.rules().limits.grace + Duration(1'000),
                 [this, number = generation.number, then = predecessors_in(generation)] {
                     GenerationShell* it = find(number);
                     if (!it) return;
                     for (const ProcessId process : predecessors_in(*it))
                         if (std::ranges::find(then, process) != then.end()) kill(*it, Serving{.process = process});
                 });
}

void WorkerShell::hear(GenerationNumber number, ProcessId sender, const Word& word) {
    GenerationShell* generation = find(number);
    if (!generation) return;
    switch (word.what) {
    case Word::What::ready:
        if (generation->children.contains(machine_.process(sender).pid))
            core_.on_heir_ready(number, machine_.process(sender).pid, now());
        else
            core_.on_ready(number, now());
        if (has(Bug::serve_before_gate))
            for (int i = 0; i < core_.rules().limits.gate_passes; ++i) core_.on_probe(number, true, "", now());
        break;
    case Word::What::failed: core_.on_trouble(number, "cannot load"); break;
    case Word::What::child_started: on_child_started(*generation, sender, word); break;
    case Word::What::child_ready: core_.on_child_ready(number, word.pid, now()); break;
    case Word::What::child_exited: end_child(*generation, word.pid, word.planned); break;
    case Word::What::refork_due: core_.on_refork_due(number, word.pid, now()); break;
    case Word::What::hello: break;
    }
    act();
}

void WorkerShell::on_child_started(GenerationShell& generation, ProcessId sender, const Word& word) {
    const auto known = generation.children.find(word.pid);
    if (known != generation.children.end() && known->second.process == word.subject) {
        known->second.master = sender; // said again, or it spoke for itself, or another master spoke for it
        known->second.leaving = false;
        return core_.on_child_started(generation.number, word.pid, machine_.process(sender).pid, now());
    }
    const auto expected = expected_children_.find(word.pid);
    const bool is_recorded = expected != expected_children_.end() && expected->second.start_time == word.start_time;
    Serving child;
    child.process = word.subject;
    child.uuid = is_recorded ? std::stoi(expected->second.uuid) : fresh_uuid();
    child.master = sender;
    Serving& kept = generation.children.insert_or_assign(word.pid, child).first->second;
    if (is_recorded)
        announced_.insert(word.pid);
    else
        record_start(generation, kept, Kind::child);
    core_.on_child_started(generation.number, word.pid, machine_.process(sender).pid, now());
    if (generation.killed) kill(generation, kept);
    const bool is_spoken_for =
        sender == generation.process.process || generation.children.contains(machine_.process(sender).pid) ||
        std::ranges::find(generation.retiring, sender, &Serving::process) != generation.retiring.end();
    if (!is_spoken_for) watch(kept);
}

// Exits

void WorkerShell::watch(Serving& process) {
    if (std::exchange(process.watched, true) || machine_.process(process.process).alive) return;
    shell_.later(Duration(1), [this] { ended(); });
}

void WorkerShell::ended() {
    if (has(Bug::miss_exits) && machine_.random.one_in(4)) return;
    for (std::size_t i = 0; i < generations_.size(); ++i) reap_generation(*generations_[i]);
    act();
}

void WorkerShell::reap_generation(GenerationShell& generation) {
    struct Restore {
        bool& flag;
        bool value;
        ~Restore() { flag = value; }
    } const restore{acting_, std::exchange(acting_, true)};
    const auto is_over = [&](const Serving& it) { return it.process != nobody && !machine_.process(it.process).alive; };
    const auto read_now = [&](const Serving& it) {
        if (it.link < 0) return;
        for (const Word& word : machine_.read_now(it.link))
            if (word.what != Word::What::hello) hear(generation.number, it.process, word);
    };
    if (is_over(generation.process)) {
        read_now(generation.process);
        if (is_over(generation.process)) on_process_exit(generation);
    }
    std::erase_if(generation.retiring, [&](Serving& master) {
        if (!is_over(master)) return false;
        read_now(master);
        record_exit(master.uuid);
        for (auto& [pid, child] : generation.children)
            if (child.master == master.process) watch(child);
        return true;
    });
    std::vector<pid_t> over;
    for (const auto& [pid, child] : generation.children) {
        if (generation.process.process != nobody && !child.watched) continue; // its master speaks for it
        if (is_over(child)) over.push_back(pid);
    }
    for (const pid_t pid : over) end_child(generation, pid, false);
}

void WorkerShell::on_process_exit(GenerationShell& generation) {
    const Process& process = machine_.process(generation.process.process);
    generation.process.process = nobody;
    generation.process.watched = false;
    record_exit(generation.process.uuid);
    if (has(Bug::lose_children)) generation.children.clear();
    for (auto& [pid, child] : generation.children) watch(child);
    const auto number = generation.number;
    if (has(Bug::lose_children))
        for (const auto& [pid, child] :
             std::map(core_.find(number) ? core_.find(number)->children : std::map<pid_t, core::Child>{}))
            core_.on_child_exit(number, pid, ExitStatus::unknown(), true, {}, now(), dice());
    core_.on_process_exit(number, process.pid, process.status, now(), dice());
    for (const auto& [pid, child] : generation.children)
        if (child.link >= 0 && !child.leaving) core_.on_child_alone(number, pid, now());
}

void WorkerShell::end_child(GenerationShell& generation, pid_t pid, bool planned) {
    const auto child = generation.children.find(pid);
    if (child == generation.children.end()) return;
    record_exit(child->second.uuid);
    if (child->second.link >= 0) machine_.hang_up(child->second.link);
    const ProcessId process = child->second.process;
    const ExitStatus status = machine_.process(process).status;
    planned = planned || child->second.leaving;
    generation.children.erase(child);
    for (auto& [other, orphan] : generation.children)
        if (orphan.master == process) watch(orphan);
    core_.on_child_exit(generation.number, pid, status, planned, {}, now(), dice());
}

// Adoption

GenerationShell& WorkerShell::generation_of(GenerationNumber number, core::Phase phase, bool is_main) {
    GenerationShell* known = find(number);
    core_.adopt(number, phase, is_main || (known && known->process.process != nobody), now());
    oracle_.serves_since_long(id_, number);
    if (known) return *known;
    auto generation = std::make_unique<GenerationShell>();
    generation->number = number;
    generation->draining = phase == core::Phase::draining;
    const auto later = std::ranges::find_if(generations_, [&](const auto& other) { return other->number > number; });
    return **generations_.insert(later, std::move(generation));
}

void WorkerShell::adopt(const Word& hello, int connection, std::optional<core::RecordedProcess> record,
                        bool is_intended) {
    oracle_.adopts(machine_.peer_of(connection), id_, hello.generation);
    if (hello.kind == Kind::child)
        adopt_child(hello, connection, record);
    else
        adopt_process(hello, connection, record, is_intended);
    act();
}

void WorkerShell::adopt_process(const Word& hello, int connection, const std::optional<core::RecordedProcess>& record,
                                bool is_intended) {
    const auto number = hello.generation;
    const auto phase =
        has(Bug::undrain) && hello.stage == Stage::draining ? core::Phase::serving : phase_of(hello.stage);
    GenerationShell* known = find(number);
    const bool has_master = known && known->process.process != nobody;
    const core::Phase known_phase = known && core_.find(number) ? core_.find(number)->phase : phase;
    const bool is_namesake = known && (known_phase == core::Phase::launching || known_phase == core::Phase::loading);
    const bool is_predecessor = is_namesake || (has_master && (phase == core::Phase::draining || !known->draining));
    GenerationShell& generation = is_predecessor ? *known : generation_of(number, phase, true);
    Serving process;
    process.process = machine_.peer_of(connection);
    process.uuid = record ? std::stoi(record->uuid) : is_intended ? hello.uuid : fresh_uuid();
    process.link = connection;
    shell_.link(connection, id_, number, process.process);
    Serving* kept = nullptr;
    if (is_predecessor) {
        machine_.tell(connection, Order::drain);
        kept = &generation.retiring.emplace_back(process);
    } else {
        if (has_master) {
            generation.retiring.push_back(generation.process);
        }
        generation.process = process;
        generation.draining = phase == core::Phase::draining;
        kept = &generation.process;
        dismiss_orphans(generation);
    }
    if (!generation.retiring.empty()) end_predecessors(generation);
    if (!record) record_start(generation, *kept, core_.rules().is_pool ? Kind::master : Kind::light);
    watch(*kept);
}

void WorkerShell::adopt_child(const Word& hello, int connection, const std::optional<core::RecordedProcess>& record) {
    const auto number = hello.generation;
    const core::Generation* in_core = core_.find(number);
    const core::Phase phase = hello.stage == Stage::serving ? core::Phase::orphaned : core::Phase::draining;
    GenerationShell* known = find(number);
    GenerationShell& generation = known && in_core ? *known : generation_of(number, phase, false);
    Serving child;
    child.process = machine_.peer_of(connection);
    child.uuid = record ? std::stoi(record->uuid) : fresh_uuid();
    Serving& kept = generation.children.insert_or_assign(hello.pid, child).first->second;
    if (!record) record_start(generation, kept, Kind::child);
    core_.on_child_started(number, hello.pid, 0, now());
    core_.on_child_ready(number, hello.pid, now());
    greet_child(generation, kept, hello.stage, connection);
}

void WorkerShell::adopt_silent_child(const core::RecordedProcess& record, ProcessId process) {
    GenerationShell* known = find(record.generation);
    GenerationShell& generation = known ? *known : generation_of(record.generation, core::Phase::orphaned, false);
    if (!known) core_.adopt_silent(record.generation, now());
    if (generation.children.contains(record.pid)) return; // its master spoke for it
    Serving child;
    child.process = process;
    child.uuid = std::stoi(record.uuid);
    Serving& kept = generation.children.insert_or_assign(record.pid, child).first->second;
    oracle_.adopts(process, id_, record.generation);
    watch(kept);
    core_.on_child_started(record.generation, record.pid, 0, now());
    core_.on_child_ready(record.generation, record.pid, now());
    act();
}

bool WorkerShell::has_master(GenerationNumber number) const {
    return std::ranges::any_of(generations_, [number](const auto& generation) {
        return generation->number == number && generation->process.process != nobody;
    });
}

} // namespace mpsup::sim
