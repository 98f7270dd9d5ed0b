#include "tests/sim/machine.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <utility>

namespace mpsup::sim {

namespace {

constexpr pid_t last_possible_pid = 64;    // few, so that they are used again
constexpr Duration counts_of_pause{1'000}; // to those who were paused
} // namespace

std::uint64_t Random::next() {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t value = state_;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31);
}

int Random::between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
}

// Clock

long Clock::ms() const { return std::chrono::duration_cast<Duration>(now_.time_since_epoch()).count() - 1'000'000; }

void Clock::at(Time due, std::function<void()> what) { queue_.push({due, ++order_, std::move(what)}); }

void Clock::run_one() {
    Event event = queue_.top();
    queue_.pop();
    now_ = std::max(now_, event.due);
    ++events_;
    event.what();
}

void Clock::pause(Duration length) {
    now_ += length;
    not_given_ += std::max(Duration(0), length - counts_of_pause);
}

const char* to_string(Kind kind) noexcept {
    switch (kind) {
    case Kind::light: return "light";
    case Kind::master: return "master";
    case Kind::child: return "child";
    case Kind::stranger: return "stranger";
    }
    std::unreachable();
}

void Machine::trace(const std::string& line) {
    if (traces) std::printf("%8.3f  %s\n", static_cast<double>(clock.ms()) / 1000, line.c_str());
}

// The kernel

ProcessId Machine::spawn(Kind kind, WorkerId worker, GenerationNumber generation, Uuid uuid, int children) {
    if (faults.enabled && faults.fork > 0 && random.one_in(faults.fork)) return nobody;
    do {
        last_pid_ = last_pid_ >= last_possible_pid ? 2 : last_pid_ + 1;
    } while (by_pid_.contains(last_pid_));
    Process& process = processes_.emplace_back();
    process.id = static_cast<ProcessId>(processes_.size()) - 1;
    process.pid = last_pid_;
    process.start_time = ++last_start_time_;
    process.kind = kind;
    process.worker = worker;
    process.generation = generation;
    process.uuid = uuid;
    process.wanted = children;
    process.ignores_drain = faults.enabled && faults.process > 0 && random.one_in(faults.process);
    by_pid_[process.pid] = process.id;
    if (traces)
        trace(std::string("+ ") + to_string(kind) + " " + std::to_string(worker) + "/" + std::to_string(generation) +
              " pid " + std::to_string(process.pid));
    if (kind == Kind::light || kind == Kind::master) boot(process.id);
    return process.id;
}

void Machine::kill(ProcessId id) {
    if (process(id).alive) end(id, ExitStatus::signalled(SIGKILL));
}

ProcessId Machine::holder_of(pid_t pid) const {
    const auto found = by_pid_.find(pid);
    return found == by_pid_.end() ? nobody : found->second;
}

std::vector<ProcessId> Machine::living_of_worker(WorkerId worker) const {
    std::vector<ProcessId> living;
    for (const auto& [pid, id] : by_pid_) {
        const Process& process = processes_[index(id)];
        if (process.kind != Kind::stranger && process.worker == worker) living.push_back(id);
    }
    return living;
}

void Machine::end(ProcessId id, ExitStatus status) {
    Process& ended = process(id);
    if (!ended.alive) return;
    ended.alive = false;
    ended.status = status;
    ended.ended_at = clock.now();
    by_pid_.erase(ended.pid);
    if (traces) trace("- pid " + std::to_string(ended.pid) + " " + status.to_string());
    if (ended.kind == Kind::stranger) return;
    if (faults.enabled && faults.reuse > 0 && random.one_in(faults.reuse)) {
        const pid_t last = std::exchange(last_pid_, ended.pid - 1);
        stranger_comes();
        last_pid_ = last;
    }
    const int to = supervisor_;
    clock.after(latency(), [this, id, to] {
        if (supervisor() == to && to != 0) listener_->ended(id);
    });
    const ProcessId master = ended.master;
    if (master != nobody) clock.after(random.ms(0, 20), [this, master, id] { master_lost_child(master, id); });
    for (const ProcessId child : ended.children) { // they see the end of their channel when they are idle
        if (!process(child).alive || process(child).stage == Stage::draining) continue;
        process(child).master = nobody;
        clock.after(random.one_in(3) ? random.ms(0, 6'000) : random.ms(0, 50), [this, child] { search(child); });
    }
}

void Machine::stranger_comes() {
    if (by_pid_.size() > last_possible_pid / 2) return;
    const auto enabled = std::exchange(faults.enabled, false);
    const ProcessId id = spawn(Kind::stranger, -1, 0, 0, 0);
    faults.enabled = enabled;
    clock.after(random.ms(1'000, 60'000), [this, id] { end(id, ExitStatus::exited(0)); });
}

// The disk

void Machine::write(Change change, std::function<void()> done) {
    unwritten_.push_back({std::move(change), std::move(done)});
    schedule_flush(random.ms(1, 30));
}

void Machine::schedule_flush(Duration wait) {
    if (std::exchange(flush_is_due_, true)) return;
    clock.after(wait, [this] {
        flush_is_due_ = false;
        if (unwritten_.empty()) return;
        if (clock.now() < disk_refuses_until_) return schedule_flush(Duration(100));
        flush_all();
    });
}

void Machine::flush_all() {
    for (Write& row : std::exchange(unwritten_, {})) {
        row.change(disk_);
        if (row.done) row.done();
    }
}

void Machine::refuse_writes_for(Duration length) { disk_refuses_until_ = clock.now() + length; }

// The contract

Duration Machine::latency() {
    if (faults.enabled && faults.late > 0 && random.one_in(faults.late)) return random.ms(50, 3'000);
    return random.ms(0, 3);
}

void Machine::supervisor_listens(Listener& listener, int number) {
    listener_ = &listener;
    supervisor_ = number;
}

void Machine::supervisor_is_gone(bool in_order) {
    listener_ = nullptr;
    if (in_order) {
        flush_all();
    } else { // what it had not written yet is lost, from some row on
        const bool refused = clock.now() < disk_refuses_until_;
        const int written = refused || unwritten_.empty() ? 0 : random.between(0, static_cast<int>(unwritten_.size()));
        for (int i = 0; i < written; ++i) unwritten_[index(i)].change(disk_);
        unwritten_.clear();
    }
    for (std::size_t i = 0; i < connections_.size(); ++i)
        if (connections_[i].open && connections_[i].supervisor == supervisor_) hang_up(static_cast<int>(i));
}

bool Machine::connect(ProcessId id, Word hello) {
    if (!listener_) return false;
    connections_.push_back({.process = id, .supervisor = supervisor_, .last_up = {}, .last_down = {}, .words = {}});
    process(id).connection = static_cast<int>(connections_.size()) - 1;
    say(id, hello);
    return true;
}

void Machine::say(ProcessId id, Word word) {
    const int number = process(id).connection;
    if (number < 0) return;
    Connection& connection = connections_[index(number)];
    connection.words.push_back(word);
    connection.last_up = std::max(connection.last_up, clock.now() + latency());
    clock.at(connection.last_up, [this, number] {
        Connection& from = connections_[index(number)];
        if (supervisor() != from.supervisor || !from.open || from.words.empty()) return;
        const Word next = from.words.front();
        from.words.pop_front();
        listener_->hear(number, next);
    });
}

namespace {

std::string to_string(Order order, int what) {
    switch (order) {
    case Order::go: return "go with " + std::to_string(what) + " children";
    case Order::serve: return "serve";
    case Order::sleep: return "sleep";
    case Order::wake: return "wake";
    case Order::size: return "have " + std::to_string(what) + " children";
    case Order::drain: return "drain";
    case Order::promote: return "become a master";
    case Order::release: return "release pid " + std::to_string(what);
    }
    std::unreachable();
}

} // namespace

void Machine::tell(int number, Order order, int what) {
    Connection& connection = connections_[index(number)];
    if (!connection.open) return;
    connection.last_down = std::max(connection.last_down, clock.now() + latency());
    const ProcessId id = connection.process;
    if (traces) trace("  tells pid " + std::to_string(process(id).pid) + " to " + to_string(order, what));
    if (order == Order::serve) process(id).was_told_serve = true;
    if (order == Order::drain) process(id).was_told_drain = true;
    clock.at(connection.last_down, [this, id, number, order, what] {
        if (can_act(id) && process(id).connection == number) obey(id, order, what);
    });
}

void Machine::hang_up(int number) {
    Connection& connection = connections_[index(number)];
    if (!std::exchange(connection.open, false)) return;
    connection.last_down = std::max(connection.last_down, clock.now() + latency());
    const ProcessId id = connection.process;
    clock.at(connection.last_down, [this, id, number] {
        if (can_act(id) && process(id).connection == number) lose_supervisor(id);
    });
}

void Machine::impersonate(ProcessId stranger, Word hello) { (void)connect(stranger, hello); }

bool Machine::answers(WorkerId worker, GenerationNumber generation) const {
    return std::ranges::any_of(by_pid_, [&](const auto& entry) {
        const Process& process = processes_[index(entry.second)];
        const bool answers = process.kind == Kind::light || process.kind == Kind::child;
        return answers && process.worker == worker && process.generation == generation && !process.is_hung &&
               process.told_ready && process.stage != Stage::draining;
    });
}

} // namespace mpsup::sim
