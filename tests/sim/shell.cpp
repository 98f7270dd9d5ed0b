// A supervisor, as supervisor/daemon/{daemon,takeover,operations}.cpp have it.
#include "tests/sim/shell.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace mpsup::sim {

namespace {

constexpr Duration hello_patience{5'000};
constexpr Duration late_word_patience{1'000};
constexpr Duration search_interval{250};
constexpr Duration stranger_patience = 8 * search_interval;

bool has_bit(unsigned mask, WorkerId worker) { return ((mask >> worker) & 1U) != 0; }

// By the history, and by the sockets of what lives.
GenerationNumber last_generation(Machine& machine, WorkerId worker) {
    GenerationNumber last = 0;
    for (const auto& [uuid, row] : machine.disk().rows)
        if (row.worker == worker) last = std::max(last, row.generation);
    for (const ProcessId id : machine.living_of_worker(worker)) last = std::max(last, machine.process(id).generation);
    return last;
}

} // namespace

Shell::Shell(Site& site) : site_(site), machine_(site.machine), number_(++site.numbers.last_supervisor) {
    if (machine_.traces) machine_.trace("supervisor " + std::to_string(number_) + " starts");
    read_history();
    const auto& topologies = machine_.disk().topologies; // the latest is the last that was written, whatever its time
    auto last = topologies.rbegin();
    if (site.bug == Bug::trust_wall_clock)
        last = std::ranges::max_element(std::views::reverse(topologies), {}, &Disk::Topology::wall);
    const auto recorded = last == topologies.rend() ? std::nullopt : std::optional(last->wanted);
    site_.oracle.reads_topology(recorded);
    if (!known_.empty() && recorded) {
        applied_ = recorded;
        for (WorkerId id = 0; id < static_cast<WorkerId>(site_.rules.size()); ++id)
            if (has_bit(*applied_, id)) (void)add(id);
        expect_children();
    }
}

void Shell::expect_children() {
    for (const auto& [pid, known] : known_)
        if (known.second.is_child) worker_of(std::stoi(known.second.worker)).expect_child(known.second);
}

// The same supervisor may die at any step; what it had in mind is gone then.
void Shell::guard(const std::function<void()>& what) {
    if (!*alive_) return;
    try {
        what();
        check();
    } catch (const Killed&) {
        if (machine_.traces) machine_.trace("supervisor " + std::to_string(number_) + " is killed");
        *alive_ = false;
        site_.numbers.steps_to_live = -1;
        machine_.supervisor_is_gone(false);
    }
}

void Shell::step() {
    int& left = site_.numbers.steps_to_live;
    if (left >= 0 && left-- == 0) throw Killed{};
}

std::function<void()> Shell::bound(std::function<void()> what) {
    return [this, alive = alive_, what = std::move(what)] {
        if (*alive) guard(what);
    };
}

void Shell::later(Duration wait, std::function<void()> what) { machine_.clock.after(wait, bound(std::move(what))); }

void Shell::link(int connection, WorkerId worker, GenerationNumber generation, ProcessId sender) {
    links_[connection] = {worker, generation, sender};
}

void Shell::hear(int connection, const Word& word) {
    guard([&] {
        if (word.what == Word::What::hello) {
            if (!greet(word, connection)) machine_.hang_up(connection);
            return;
        }
        const auto link = links_.find(connection);
        if (link == links_.end()) return unread_.emplace_back(connection, word), void();
        if (WorkerShell* worker = find(link->second.worker))
            worker->hear(link->second.generation, link->second.sender, word);
    });
}

void Shell::ended(ProcessId) {
    guard([&] {
        for (WorkerId id = 0; id < static_cast<WorkerId>(site_.rules.size()); ++id) // one may be removed meanwhile
            if (WorkerShell* worker = find(id)) worker->ended();
    });
}

void Shell::check() {
    std::vector<ProcessId> places;
    for (const auto& [id, worker] : workers_) worker->places(places);
    site_.oracle.check_places(places);
}

WorkerShell* Shell::find(WorkerId id) {
    const auto found = workers_.find(id);
    return found == workers_.end() ? nullptr : found->second.get();
}

WorkerShell& Shell::add(WorkerId id) {
    return *workers_.emplace(id, std::make_unique<WorkerShell>(*this, id, last_generation(machine_, id))).first->second;
}

void Shell::remove(WorkerId id) {
    if (auto worker = workers_.extract(id)) removed_.push_back(std::move(worker.mapped()));
}

WorkerShell& Shell::worker_of(WorkerId id) {
    if (WorkerShell* worker = find(id)) return *worker;
    unwanted_.insert(id);
    return add(id);
}

std::string Shell::describe() const {
    std::string text;
    for (const auto& [id, worker] : workers_) {
        text += " " + std::to_string(id) + ":" + std::string(core::to_string(worker->core().state()));
        for (const core::Generation& generation : worker->core().generations())
            text += " " + std::to_string(generation.number) + "=" + std::string(core::to_string(generation.phase));
    }
    return text;
}

// Takeover

void Shell::run() {
    guard([this] {
        machine_.supervisor_listens(*this, number_);
        begun_ = machine_.clock.now();
        if (known_.empty() && number_ > 1)
            later(stranger_patience, [this] { wait_for_hellos(); });
        else
            wait_for_hellos();
    });
}

void Shell::read_history() {
    std::vector<core::RecordedProcess> alive;
    for (const auto& [uuid, row] : machine_.disk().rows) {
        if (row.has_ended) continue;
        if (row.pid <= 0) {
            intents_.insert(uuid);
            continue;
        }
        const ProcessId holder = machine_.holder_of(row.pid);
        const bool is_same = holder != nobody && (machine_.process(holder).start_time == row.start_time ||
                                                  site_.bug == Bug::forget_start_time);
        if (!is_same) {
            machine_.write([uuid](Disk& disk) { disk.rows[uuid].has_ended = true; });
            continue;
        }
        core::RecordedProcess record{
            std::to_string(uuid), std::to_string(row.worker), row.generation, row.role == Kind::child, row.pid,
            row.start_time};
        known_.emplace(row.pid, std::pair{holder, record});
        alive.push_back(std::move(record));
    }
    adoption_ = core::Adoption(std::move(alive), machine_.clock.now(), hello_patience);
}

bool Shell::greet(const Word& hello, int connection) {
    step();
    const ProcessId speaker = machine_.peer_of(connection);
    if (machine_.holder_of(hello.pid) != speaker) return false; // attested by the kernel, and gone if it is
    WorkerShell* known_worker = find(hello.worker);
    if (hello.stage == Stage::fresh || (known_worker && known_worker->knows(speaker)))
        return known_worker && known_worker->greet(hello, speaker, connection);
    const core::Claimant claimant{
        std::to_string(hello.worker),        hello.generation, hello.kind == Kind::child, hello.pid, hello.start_time,
        machine_.process(speaker).start_time};
    if (site_.bug != Bug::adopt_by_pid && adoption_.judge(claimant) == core::ClaimVerdict::impostor) return false;
    if (over_ && site_.bug == Bug::drop_latecomers) return false;
    const auto record = adoption_.arrived(hello.pid);
    const bool is_intended = hello.kind != Kind::child && !record && intents_.erase(hello.uuid) > 0;
    if (is_intended) intended_.insert(connection);
    if (!applied_ && !is_up_ordered_) {
        strangers_.emplace_back(hello, connection);
        if (record) lost_records_.insert_or_assign(connection, *record);
    } else {
        const bool serves = does_serve(hello.worker, hello.generation);
        give(hello, connection, record, is_intended);
        if (site_.bug == Bug::double_adoption && machine_.random.one_in(2)) give(hello, connection, std::nullopt);
        if (over_ && !serves) worker_of(hello.worker).settle(hello.generation);
    }
    return true;
}

bool Shell::does_serve(WorkerId id, GenerationNumber number) {
    const WorkerShell* worker = find(id);
    const core::Generation* generation = worker ? worker->core().find(number) : nullptr;
    return generation && core::is_taking_requests(generation->phase);
}

void Shell::give(const Word& hello, int connection, std::optional<core::RecordedProcess> record, bool is_intended) {
    step();
    worker_of(hello.worker).adopt(hello, connection, std::move(record), is_intended);
}

bool Shell::is_waiting() const {
    const Time now = machine_.clock.now();
    if (!intents_.empty() && now < begun_ + stranger_patience) return true;
    return !adoption_.is_complete() && now < adoption_.deadline();
}

void Shell::close_intents() {
    for (const Uuid uuid : std::exchange(intents_, {}))
        machine_.write([uuid](Disk& disk) { disk.rows[uuid].has_ended = true; });
}

void Shell::wait_for_hellos() {
    if (!is_waiting()) return finish_takeover();
    std::vector<pid_t> ended;
    for (const auto& [pid, record] : adoption_.missing())
        if (!machine_.process(known_.at(pid).first).alive) ended.push_back(pid);
    for (const pid_t pid : ended) {
        const Uuid uuid = std::stoi(adoption_.missing().at(pid).uuid);
        machine_.write([uuid](Disk& disk) { disk.rows[uuid].has_ended = true; });
        adoption_.gone(pid);
    }
    // Woken by each hello, or by the interval.
    later(machine_.random.ms(1, static_cast<int>(search_interval.count())), [this] { wait_for_hellos(); });
}

void Shell::finish_takeover() {
    close_intents();
    kill_silent();
    adopt_silent_children(false);
    resume_all();
    over_ = true;
    later(late_word_patience, [this] { adopt_late_children(); });
}

void Shell::kill_silent() {
    if (site_.bug == Bug::spare_the_silent) return;
    std::vector<pid_t> silent;
    for (const auto& [pid, record] : adoption_.missing())
        if (!record.is_child) silent.push_back(pid);
    for (const pid_t pid : silent) {
        step();
        const auto record = adoption_.arrived(pid);
        const ProcessId target = known_.at(pid).first;
        site_.oracle.kills(target, std::stoi(record->worker), record->generation);
        machine_.kill(target);
        const Uuid uuid = std::stoi(record->uuid);
        machine_.write([uuid](Disk& disk) { disk.rows[uuid].has_ended = true; });
    }
}

void Shell::adopt_late_children() {
    adopt_silent_children(true);
    if (!applied_ && !is_up_ordered_) return;
    std::vector<pid_t> left;
    for (const auto& [pid, record] : adoption_.missing())
        if (record.is_child && !find(std::stoi(record.worker))) left.push_back(pid);
    for (const pid_t pid : left) {
        step();
        const auto record = adoption_.arrived(pid);
        const ProcessId target = known_.at(pid).first;
        site_.oracle.kills(target, std::stoi(record->worker), record->generation);
        machine_.kill(target);
        machine_.write([uuid = Uuid{std::stoi(record->uuid)}](Disk& disk) { disk.rows[uuid].has_ended = true; });
    }
}

void Shell::adopt_silent_children(bool with_master) {
    std::vector<pid_t> chosen;
    for (const auto& [pid, record] : adoption_.missing()) {
        WorkerShell* worker = find(std::stoi(record.worker));
        if (!worker || worker->is_announced(pid)) continue;
        if (with_master || !worker->has_master(record.generation)) chosen.push_back(pid);
    }
    for (const pid_t pid : chosen) {
        step();
        const auto record = adoption_.arrived(pid);
        if (!machine_.process(known_.at(pid).first).alive) {
            machine_.write([uuid = Uuid{std::stoi(record->uuid)}](Disk& disk) { disk.rows[uuid].has_ended = true; });
            continue;
        }
        WorkerShell& worker = worker_of(std::stoi(record->worker));
        const bool serves = does_serve(worker.id(), record->generation);
        worker.adopt_silent_child(*record, known_.at(pid).first);
        if (over_ && !serves) worker.settle(record->generation);
    }
}

void Shell::resume_all() {
    for (WorkerId id = 0; id < static_cast<WorkerId>(site_.rules.size()); ++id) {
        if (site_.bug == Bug::forget_worker && id == 0) continue;
        step();
        WorkerShell* worker = find(id);
        if (!worker) continue;
        worker->ended();
        worker->resume(is_wanted(id));
    }
}

void Shell::adopt_strangers(unsigned workers) {
    is_up_ordered_ = true;
    std::erase_if(unwanted_, [&](WorkerId id) { return has_bit(workers, id); });
    if (applied_ || (strangers_.empty() && adoption_.missing().empty())) return;
    for (const auto& [pid, record] : adoption_.missing())
        if (const WorkerId id = std::stoi(record.worker); has_bit(workers, id) && !find(id)) (void)add(id);
    for (const auto& [hello, connection] : strangers_)
        if (has_bit(workers, hello.worker) && !find(hello.worker)) (void)add(hello.worker);
    expect_children();
    for (const auto& [hello, connection] : std::exchange(strangers_, {})) {
        const auto record = lost_records_.find(connection);
        give(hello, connection, record == lost_records_.end() ? std::nullopt : std::optional(record->second),
             intended_.contains(connection));
    }
    adopt_silent_children(false);
    resume_all();
    later(late_word_patience, [this] { adopt_late_children(); });
    for (const auto& [connection, word] : std::exchange(unread_, {}))
        later(Duration(0), [this, connection, word] { hear(connection, word); });
}

bool Shell::has_given_up() const {
    return std::ranges::any_of(
        workers_, [](const auto& entry) { return entry.second->core().state() == core::WorkerState::failed; });
}

// Operations

std::optional<Time> Shell::busy_since() const {
    if (operation_) return operation_->since;
    return over_ ? std::nullopt : std::optional(begun_);
}

bool Shell::order(Verb verb, unsigned workers) {
    if (is_busy() || !*alive_) return false;
    guard([&] {
        step();
        remove_gone();
        failed_ = false;
        advancing_ = true; // not before it has begun
        operation_ = Operation{verb, workers, {}, {}, machine_.clock.now()};
        if (verb == Verb::up) {
            begin_up();
        } else {
            if (verb == Verb::down) adopt_silent_children(true); // nobody is to be left out
            for (const auto& [id, worker] : workers_)
                if (verb == Verb::down || has_bit(workers, id)) operation_->todo.push_back(id);
            if (verb == Verb::down)
                operation_->stage = Operation::Stage::stopping;
            else
                begin_next_restart();
        }
        advancing_ = false;
        changed();
    });
    return true;
}

void Shell::begin_up() {
    const unsigned wanted = operation_->workers;
    adopt_strangers(wanted);
    for (WorkerId id = 0; id < static_cast<WorkerId>(site_.rules.size()); ++id) {
        if (!has_bit(wanted, id)) continue;
        step();
        const bool is_changed = machine_.random.one_in(3);
        WorkerShell* worker = find(id);
        if (worker && worker->core().rules().is_pool) // it may have been scaled
            worker->resize(site_.rules[static_cast<std::size_t>(id)].pool);
        if (!worker)
            operation_->newcomers.push_back({id, add(id).start(true), true, nullptr});
        else if (is_changed || worker->core().serving() == 0)
            operation_->newcomers.push_back(newcomer_of(*worker));
    }
}

void Shell::begin_next_restart() {
    operation_->newcomers.clear();
    operation_->stage = Operation::Stage::loading;
    if (operation_->todo.empty()) return end_operation(false);
    const WorkerId id = operation_->todo.front();
    operation_->todo.erase(operation_->todo.begin());
    operation_->newcomers.push_back(newcomer_of(*find(id)));
}

Shell::Newcomer Shell::newcomer_of(WorkerShell& worker) {
    core::RolloutPlan plan = draw_plan(machine_.random, worker.core(), worker.core().rules());
    plan.new_one = worker.prepare(plan.is_at_once() ? 0 : plan.first_children());
    return {worker.id(), plan.new_one, false, std::make_unique<Roll>(*this, worker, plan)};
}

Roll* Shell::roll_of(WorkerId worker, GenerationNumber generation) {
    if (!operation_ || operation_->stage != Operation::Stage::rolling) return nullptr;
    for (const Newcomer& newcomer : operation_->newcomers)
        if (newcomer.worker == worker && newcomer.generation == generation) return newcomer.roll.get();
    return nullptr;
}

Roll* Shell::waiting_roll() {
    if (!operation_ || operation_->stage != Operation::Stage::rolling) return nullptr;
    for (const Newcomer& newcomer : operation_->newcomers)
        if (newcomer.roll && newcomer.roll->waits_for_operator()) return newcomer.roll.get();
    return nullptr;
}

void Shell::answer(Roll& roll, bool promotes) {
    guard([&] {
        promotes ? roll.promote() : roll.abort();
        changed();
    });
}

void Shell::scale(WorkerId worker, int children) {
    if (is_busy() || !*alive_) return;
    guard([&] {
        step();
        if (WorkerShell* scaled = find(worker)) scaled->resize(children);
    });
}

// The waiting of an operation: looks whether what it waits for has come.
void Shell::changed() {
    if (advancing_) return;
    advancing_ = true;
    struct Reset {
        bool& flag;
        ~Reset() { flag = false; }
    } const reset{advancing_};
    while (operation_ && advance()) {
    }
}

bool Shell::is_settled(WorkerId id) {
    const WorkerShell* worker = find(id);
    return !worker || std::ranges::all_of(worker->core().generations(), [](const core::Generation& generation) {
        const bool sleeps = generation.phase == core::Phase::sleeping && generation.children.empty();
        return sleeps || core::is_taking_requests(generation.phase) || core::is_coming(generation.phase);
    });
}

bool Shell::advance() {
    switch (operation_->stage) {
    case Operation::Stage::loading: return advance_loading();
    case Operation::Stage::rolling: return advance_rolling();
    case Operation::Stage::stopping: return advance_stopping();
    case Operation::Stage::settling:
        for (const Newcomer& newcomer : operation_->newcomers)
            if (!is_settled(newcomer.worker)) return false;
        if (operation_->verb == Verb::restart) return begin_next_restart(), true;
        machine_.write([&site = site_, wanted = operation_->workers, wall = machine_.clock.wall()](Disk& disk) {
            if (site.bug != Bug::forget_topology_row) disk.topologies.push_back({wanted, wall});
            site.oracle.has_topology(wanted);
        });
        applied_ = operation_->workers;
        return end_operation(false), false;
    case Operation::Stage::taking_back:
        for (const Newcomer& newcomer : operation_->newcomers) {
            const WorkerShell* worker = find(newcomer.worker);
            if (newcomer.is_added ? worker && worker->core().has_processes() : !is_settled(newcomer.worker))
                return false;
            if (newcomer.is_added) remove(newcomer.worker);
        }
        return end_operation(true), false;
    }
    std::unreachable();
}

bool Shell::advance_loading() {
    bool all = true;
    for (const Newcomer& newcomer : operation_->newcomers) {
        const auto progress = find(newcomer.worker)->core().progress(newcomer.generation);
        if (progress == core::Progress::did_not_make_it || progress == core::Progress::over) return take_back(), true;
        all = all && progress != core::Progress::coming;
    }
    if (!all) return false;
    operation_->stage = Operation::Stage::rolling;
    return true;
}

// Those on trial one after the other; then all others are let in beside what they replace, and settle one after the other. One that
// fails takes back what has not settled.
bool Shell::advance_rolling() {
    for (const bool on_trial : {true, false}) {
        if (!on_trial) let_in();
        if (!roll(on_trial)) return false;
        if (operation_->stage != Operation::Stage::rolling) return true;
    }
    rolling_ = 0;
    operation_->stage = Operation::Stage::settling;
    if (operation_->verb == Verb::up) {
        for (const auto& [id, worker] : workers_)
            if (!has_bit(operation_->workers, id)) operation_->todo.push_back(id);
        operation_->stage = Operation::Stage::stopping;
    }
    return true;
}

void Shell::let_in() {
    if (std::exchange(operation_->are_let_in, true)) return;
    for (const Newcomer& newcomer : operation_->newcomers) {
        step();
        if (newcomer.is_added)
            find(newcomer.worker)->admit(newcomer.generation);
        else if (operation_->verb == Verb::up && newcomer.roll->plan().is_at_once())
            find(newcomer.worker)->admit_beside(newcomer.generation);
    }
}

// False: it waits.
bool Shell::roll(bool on_trial) {
    for (const Newcomer& newcomer : operation_->newcomers) {
        if (!newcomer.roll || newcomer.roll->is_over() || newcomer.roll->plan().is_at_once() == on_trial) continue;
        if (std::exchange(rolling_, newcomer.generation) != newcomer.generation || rolling_worker_ != newcomer.worker) {
            rolling_worker_ = newcomer.worker;
            newcomer.roll->begin();
        }
        newcomer.roll->look();
        if (!newcomer.roll->is_over()) return false;
        if (!newcomer.roll->has_settled()) return take_back(), true;
    }
    return true;
}

void Shell::take_back() {
    operation_->stage = Operation::Stage::taking_back;
    rolling_ = 0;
    for (const Newcomer& newcomer : operation_->newcomers) {
        step();
        if (newcomer.roll && newcomer.roll->is_over()) continue;
        if (newcomer.is_added)
            find(newcomer.worker)->stop();
        else
            find(newcomer.worker)->take_back(newcomer.generation);
    }
}

// One after the other, the last first.
bool Shell::advance_stopping() {
    auto& todo = operation_->todo;
    if (todo.empty()) {
        if (operation_->verb == Verb::up) return operation_->stage = Operation::Stage::settling, true;
        for (const auto& [id, late] : workers_)
            if (late->core().has_processes() && site_.bug != Bug::finish_down_early) todo.push_back(id);
        if (!todo.empty()) return stopping_ = -1, true;
        end_operation(false);
        down_ = true;
        return false;
    }
    WorkerShell* worker = find(todo.back());
    if (worker && stopping_ != todo.back()) {
        stopping_ = todo.back();
        worker->stop();
    }
    if (worker && worker->core().has_processes() && site_.bug != Bug::finish_down_early) return false;
    if (operation_->verb == Verb::up) gone_.push_back(todo.back());
    todo.pop_back();
    return true;
}

void Shell::remove_gone() {
    for (const WorkerId id : std::exchange(gone_, {}))
        if (const WorkerShell* worker = find(id); worker && !worker->core().has_processes()) remove(id);
}

void Shell::end_operation(bool failed) {
    later(Duration(0), [this] { remove_gone(); }); // not under the feet of the worker that said so
    failed_ = failed;
    stopping_ = -1;
    operation_.reset();
}

bool Shell::exit_in_order() {
    if (!*alive_ || !down_) return false;
    site_.oracle.check_all_down();
    *alive_ = false;
    machine_.supervisor_is_gone(true);
    return true;
}

} // namespace mpsup::sim
