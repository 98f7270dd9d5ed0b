// What the processes of workers do: light ones, pool masters and their children.
#include "tests/sim/machine.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace mpsup::sim {

namespace {

constexpr Duration search_interval{250};

} // namespace

Machine::Fate Machine::draw_fate() {
    if (!faults.enabled || faults.process == 0 || !random.one_in(faults.process)) return Fate::well;
    constexpr Fate bad[] = {Fate::crash, Fate::hang, Fate::slow};
    return bad[random.between(0, 2)];
}

Word Machine::word_about(Word::What what, ProcessId subject) {
    const Process& about = process(subject);
    return {what,       subject,     about.pid,    about.start_time, about.stage == Stage::draining,
            about.kind, about.stage, about.worker, about.generation, about.uuid};
}

void Machine::boot(ProcessId id) {
    const Fate fate = draw_fate();
    if (fate == Fate::hang) process(id).is_hung = true;
    clock.after(fate == Fate::slow ? random.ms(300, 15'000) : random.ms(5, 200), [this, id, fate] {
        if (!can_act(id)) return;
        if (fate == Fate::crash) return end(id, ExitStatus::signalled(SIGSEGV));
        if (!connect(id, word_about(Word::What::hello, id))) end(id, ExitStatus::exited(1));
    });
}

void Machine::obey(ProcessId id, Order order, pid_t pid) {
    switch (order) {
    case Order::go: process(id).wanted = pid; return load(id);
    case Order::serve: return serve(id);
    case Order::sleep: return sleep(id);
    case Order::size: return resize(id, pid);
    case Order::wake: return wake(id);
    case Order::drain: return drain(id);
    case Order::release: return release(id, pid);
    case Order::promote:
        if (process(id).kind == Kind::master) { // said again
            if (pid > process(id).wanted) resize(id, pid);
            return;
        }
        if (process(id).stage == Stage::draining) return;
        process(id).wanted = pid;
        if (std::exchange(process(id).is_to_be_master, true)) return;
        clock.after(random.ms(0, 1'500), [this, id] { become_master(id); }); // its clients first
        return;
    }
}

void Machine::load(ProcessId id) {
    process(id).has_go = true;
    const Fate fate = draw_fate();
    if (fate == Fate::hang) process(id).is_hung = true;
    clock.after(fate == Fate::slow ? random.ms(5'000, 70'000) : random.ms(10, 1'000), [this, id, fate] {
        if (!can_act(id) || process(id).stage != Stage::fresh) return;
        if (fate == Fate::crash) {
            if (random.one_in(2)) say(id, word_about(Word::What::failed, id));
            return end(id, ExitStatus::exited(1));
        }
        if (process(id).kind == Kind::light) return become_ready(id);
        for (int i = 0; i < process(id).wanted; ++i) fork_child(id);
    });
}

void Machine::become_ready(ProcessId id) {
    Process& self = process(id);
    if (self.stage == Stage::fresh) self.stage = Stage::ready;
    self.told_ready = true;
    say(id, word_about(Word::What::ready, id));
}

// Without a supervisor it is nothing before it was told what to be; later it serves on.
void Machine::lose_supervisor(ProcessId id) {
    Process& self = process(id);
    self.connection = -1;
    if (!self.has_go) return end(id, ExitStatus::exited(1));
    if (self.is_to_be_master) return; // looks for one as a master
    clock.after(search_interval, [this, id] { search(id); });
}

void Machine::search(ProcessId id) {
    if (!can_act(id) || process(id).connection >= 0 || process(id).is_searching) return;
    look_for_supervisor(id);
}

void Machine::look_for_supervisor(ProcessId id) {
    Process& self = process(id);
    self.is_searching = true;
    const bool is_loading = self.stage == Stage::fresh && self.children.empty(); // and does nothing else meanwhile
    Word hello = word_about(Word::What::hello, id);
    if (hello.stage == Stage::fresh) hello.stage = Stage::ready; // it needs no go
    if (is_loading || !connect(id, hello)) {
        clock.after(search_interval + random.ms(0, 5), [this, id] {
            process(id).is_searching = false;
            search(id);
        });
        return;
    }
    self.is_searching = false;
    if (self.kind != Kind::master) return;
    for (const ProcessId child : self.children) {
        if (!process(child).alive) continue;
        say(id, word_about(Word::What::child_started, child));
        if (process(child).told_ready) say(id, word_about(Word::What::child_ready, child));
    }
    self.told_ready = false;
    say_if_complete(id);
}

// Pools

void Machine::fork_child(ProcessId master) {
    if (!can_act(master) || process(master).stage == Stage::draining || process(master).stage == Stage::sleeping)
        return;
    const Process& parent = process(master);
    const ProcessId child = spawn(Kind::child, parent.worker, parent.generation, parent.uuid, 0);
    if (child == nobody) {
        clock.after(Duration(1'000), [this, master] { // unless it has another size by then
            if (static_cast<int>(process(master).children.size()) < process(master).wanted) fork_child(master);
        });
        return;
    }
    Process& born = process(child);
    if (traces) trace("  of master pid " + std::to_string(process(master).pid));
    born.master = master;
    born.has_go = true;
    born.stage = process(master).stage == Stage::serving ? Stage::serving : Stage::ready;
    born.was_told_serve = process(master).was_told_serve;
    process(master).children.push_back(child);
    say(master, word_about(Word::What::child_started, child));
    const Fate fate = draw_fate();
    if (fate == Fate::hang) born.is_hung = true;
    clock.after(fate == Fate::slow ? random.ms(100, 5'000) : random.ms(1, 50), [this, child, fate] {
        if (!can_act(child)) return;
        if (fate == Fate::crash) return end(child, ExitStatus::signalled(SIGSEGV));
        child_is_ready(child);
    });
}

void Machine::child_is_ready(ProcessId child) {
    process(child).told_ready = true;
    const ProcessId master = process(child).master;
    if (master == nobody || !can_act(master)) return;
    say(master, word_about(Word::What::child_ready, child));
    say_if_complete(master);
    if (random.one_in(20)) {
        Word due = word_about(Word::What::refork_due, child);
        clock.after(random.ms(100, 5'000), [this, master, due] {
            if (can_act(master)) say(master, due);
        });
    }
}

void Machine::say_if_complete(ProcessId master) {
    Process& self = process(master);
    const auto ready = std::ranges::count_if(self.children, [&](ProcessId child) {
        return process(child).alive && process(child).told_ready && !process(child).was_told_drain;
    });
    if (self.told_ready || self.stage == Stage::draining || ready < self.wanted) return;
    become_ready(master);
}

void Machine::master_lost_child(ProcessId master, ProcessId child) {
    if (std::erase(process(master).children, child) == 0 || !can_act(master)) return;
    say(master, word_about(Word::What::child_exited, child));
    Process& self = process(master);
    if (self.stage == Stage::draining) {
        if (self.children.empty()) end(master, ExitStatus::exited(0));
        return;
    }
    clock.after(random.ms(50, 1'000), [this, master] {
        if (static_cast<int>(process(master).children.size()) < process(master).wanted) fork_child(master);
    });
}

void Machine::serve(ProcessId id) {
    Process& self = process(id);
    if (self.stage == Stage::draining) return;
    self.stage = Stage::serving;
    for (const ProcessId child : self.children) {
        if (!process(child).alive || process(child).stage == Stage::draining) continue;
        process(child).stage = Stage::serving;
        process(child).was_told_serve = true;
    }
}

// Its children go as if they drained; it stays.
void Machine::sleep(ProcessId id) {
    Process& self = process(id);
    if (self.stage != Stage::serving) return;
    self.stage = Stage::sleeping;
    for (const ProcessId child : self.children)
        clock.after(random.ms(0, 5), [this, child] {
            if (can_act(child)) drain(child);
        });
}

void Machine::resize(ProcessId id, int children) {
    Process& self = process(id);
    if (self.stage == Stage::draining || self.stage == Stage::sleeping) return;
    self.wanted = children;
    if (self.stage == Stage::fresh && self.children.empty()) return; // it loads, and forks afterwards
    int staying = 0;
    auto members = self.children;
    std::ranges::stable_partition(members, [&](ProcessId child) { return process(child).told_ready; }); // those go last
    for (const ProcessId child : members) {
        if (!process(child).alive || process(child).stage == Stage::draining || ++staying <= children) continue;
        process(child).was_told_drain = true;
        clock.after(random.ms(0, 5), [this, child] {
            if (can_act(child)) drain(child);
        });
    }
    for (; staying < children; ++staying) fork_child(id);
    say_if_complete(id);
}

void Machine::wake(ProcessId id) {
    Process& self = process(id);
    if (self.stage != Stage::sleeping) return;
    self.stage = Stage::serving;
    const auto staying = std::ranges::count_if(self.children, [&](ProcessId child) {
        return process(child).alive && process(child).stage != Stage::draining;
    });
    for (auto i = staying; i < self.wanted; ++i) fork_child(id);
}

void Machine::drain(ProcessId id) {
    Process& self = process(id);
    if (self.stage == Stage::draining || self.ignores_drain) return;
    self.stage = Stage::draining;
    self.is_to_be_master = false;
    if (self.kind != Kind::master) {
        clock.after(random.one_in(4) ? random.ms(0, 10'000) : random.ms(0, 200), [this, id] {
            if (can_act(id)) end(id, ExitStatus::exited(0));
        });
        return;
    }
    if (self.children.empty()) return end(id, ExitStatus::exited(0));
    for (const ProcessId child : self.children)
        clock.after(random.ms(0, 5), [this, child] {
            if (can_act(child)) drain(child);
        });
}

void Machine::release(ProcessId master, pid_t pid) {
    const ProcessId child = holder_of(pid);
    if (child == nobody || std::erase(process(master).children, child) == 0) return;
    process(child).master = nobody;
    if (process(master).stage == Stage::draining && process(master).children.empty())
        end(master, ExitStatus::exited(0));
    clock.after(random.ms(0, 200), [this, child] { search(child); });
    clock.after(random.ms(1, 100), [this, master] {
        if (static_cast<int>(process(master).children.size()) < process(master).wanted) fork_child(master);
    });
}

void Machine::become_master(ProcessId id) {
    if (!can_act(id) || !process(id).is_to_be_master || process(id).stage == Stage::draining) return;
    Process& self = process(id);
    self.is_to_be_master = false;
    self.kind = Kind::master;
    self.stage = Stage::serving;
    self.was_told_serve = true;
    self.told_ready = false;
    if (self.connection < 0) search(id);
    for (int i = 0; i < self.wanted; ++i) fork_child(id);
}

} // namespace mpsup::sim
