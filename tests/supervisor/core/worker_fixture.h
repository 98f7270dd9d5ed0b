// A worker without a shell, for tests of what it decides.
#pragma once

#include "supervisor/core/worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iterator>

namespace mpsup::core {

using namespace std::chrono_literals;

// A worker and what was asked of its shell so far. The verbs are what processes do.
class WorkerTest : public testing::Test {
protected:
    static WorkerRules pool_of(int children) {
        WorkerRules rules;
        rules.is_pool = true;
        rules.pool = children;
        return rules;
    }

    void make(const WorkerRules& rules) { worker_ = Worker(rules); }

    template <typename Kind> int count() {
        collect();
        return static_cast<int>(
            std::ranges::count_if(seen_, [](const Effect& e) { return std::holds_alternative<Kind>(e); }));
    }
    const Note* last_note(Note::Kind kind) {
        collect();
        const Note* found = nullptr;
        for (const Effect& effect : seen_)
            if (const Note* note = std::get_if<Note>(&effect); note && note->kind == kind) found = note;
        return found;
    }
    void pass(Duration time) {
        now_ += time;
        worker_.on_time(now_);
    }

    void say_hello(GenerationNumber n) { worker_.on_hello(n, now_); }
    void fork_children(GenerationNumber n, pid_t first, int how_many, pid_t master = 0) {
        for (pid_t pid = first; pid < first + how_many; ++pid) {
            worker_.on_child_started(n, pid, master, now_);
            worker_.on_child_ready(n, pid, now_);
        }
    }
    void be_ready(GenerationNumber n) { worker_.on_ready(n, now_); }
    void pass_gate(GenerationNumber n) {
        for (int i = 0; i < worker_.rules().limits.gate_passes; ++i) worker_.on_probe(n, true, "", now_);
    }
    void die(GenerationNumber n, ExitStatus how = ExitStatus::signalled(SIGKILL)) {
        worker_.on_process_exit(n, 100 + static_cast<pid_t>(n), how, now_, 0.5);
    }
    void child_dies(GenerationNumber n, pid_t pid, ExitStatus how = ExitStatus::signalled(SIGKILL)) {
        worker_.on_child_exit(n, pid, how, false, {}, now_, 0.5);
    }

    GenerationNumber serve_light() {
        const auto n = worker_.start(now_, false);
        say_hello(n);
        be_ready(n);
        pass_gate(n);
        return n;
    }
    GenerationNumber serve_pool(int children) {
        make(pool_of(children));
        const auto n = worker_.start(now_, false);
        say_hello(n);
        fork_children(n, 1000, children);
        be_ready(n);
        pass_gate(n);
        return n;
    }
    GenerationNumber bring_to_standby() {
        const auto n = worker_.prepare(now_);
        say_hello(n);
        if (worker_.rules().is_pool) fork_children(n, 2000 + 100 * static_cast<pid_t>(n), worker_.rules().pool);
        be_ready(n);
        pass_gate(n);
        return n;
    }

    Worker worker_{WorkerRules{}};
    Time now_{Time{} + 1h};

private:
    void collect() {
        auto fresh = worker_.take_effects();
        seen_.insert(seen_.end(), std::make_move_iterator(fresh.begin()), std::make_move_iterator(fresh.end()));
    }
    Effects seen_;
};

} // namespace mpsup::core
