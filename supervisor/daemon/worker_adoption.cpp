// Processes that an earlier supervisor started, taken into a worker that knows nothing of them yet.
#include "base/process_identity.h"
#include "supervisor/daemon/returned.h"
#include "supervisor/daemon/worker_handle.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

core::Phase phase_of(contract::Stage stage) {
    switch (stage) {
    case contract::Stage::fresh:
    case contract::Stage::ready: return core::Phase::gating;
    case contract::Stage::serving: return core::Phase::serving;
    case contract::Stage::sleeping: return core::Phase::sleeping;
    case contract::Stage::draining: return core::Phase::draining;
    }
    std::unreachable();
}

ServingProcess serving_process(Returned& returned) {
    ServingProcess process;
    // A child that became a master says its parent's name.
    process.uuid = returned.record        ? returned.record->uuid
                   : returned.is_intended ? returned.hello.identity.uuid
                                          : random_uuid();
    process.pidfd = std::move(returned.pidfd);
    process.start_time = returned.claimant.start_time_kernel;
    process.started_ms = returned.started_ms > 0 ? returned.started_ms : wall_clock_ms();
    if (returned.scoreboard) process.scoreboard = std::move(*returned.scoreboard);
    return process;
}

} // namespace

GenerationHandle& WorkerHandle::generation_of(const core::RecordedProcess& process, core::Phase phase) {
    GenerationHandle* known = find(process.generation);
    const bool has_process = !process.is_child || (known && known->process.pidfd);
    core_.adopt(process.generation, phase, has_process, Clock::now());
    if (known) return *known;
    auto generation = std::make_unique<GenerationHandle>();
    generation->number = process.generation;
    generation->spec = spec_;
    generation->private_path = around_.paths.private_socket(spec_->name, process.generation);
    generation->is_spec_known = phase != core::Phase::sleeping; // another topology may have come after it
    generation->draining = phase == core::Phase::draining;
    generation->told = told_of_others(); // else it would have been replaced, and would not have gone to sleep
    generation->log.begin(around_.paths.worker_log(spec_->name), is_alone(*generation));
    const auto later =
        std::ranges::find_if(generations_, [&](const auto& other) { return other->number > generation->number; });
    return **generations_.insert(later, std::move(generation));
}

void WorkerHandle::adopt(Returned returned, Fd connection) {
    if (returned.hello.role == contract::Role::child)
        adopt_child(std::move(returned), std::move(connection));
    else
        adopt_process(std::move(returned), std::move(connection));
    act();
}

// A light process or a pool master.
void WorkerHandle::adopt_process(Returned returned, Fd connection) {
    const contract::Hello hello = returned.hello;
    const auto number = hello.identity.generation;
    const auto phase = phase_of(hello.stage);
    GenerationHandle* known = find(number);
    const bool has_master = known && known->process.pidfd;
    // One of two masters has handed over to the other, and is the one that drains.
    const core::Phase known_phase = known && core_.find(number) ? core_.find(number)->phase : phase;
    // So does one whose number we have given away, because nobody had recorded it.
    const bool is_namesake = known && (known_phase == core::Phase::launching || known_phase == core::Phase::loading);
    const bool is_predecessor = is_namesake || (has_master && (phase == core::Phase::draining || !known->draining));
    GenerationHandle& generation =
        is_predecessor ? *known : generation_of({{}, spec_->name, number, false, hello.pid, 0}, phase);
    for (const auto& [endpoint, listener] : returned.listeners) generation.listeners.push_back(listener);
    if (returned.cache) adopt_cache(std::move(returned.cache));
    generation.program = returned.program;
    const bool is_recorded = returned.record.has_value();
    ServingProcess process = serving_process(returned);
    auto link = make_link(number, hello.pid, std::move(connection));
    give_logs(*link);
    ServingProcess* kept = nullptr;
    if (is_predecessor) {
        process.link = std::move(link);
        (void)process.link->send(contract::Drain{generation.spec->stop.grace});
        kept = &generation.retiring.emplace_back(std::move(process));
    } else {
        if (has_master) {
            generation.process.link = std::exchange(generation.link, nullptr);
            generation.retiring.push_back(std::move(generation.process));
        }
        generation.process = std::move(process);
        generation.uuid = generation.process.uuid;
        generation.link = std::move(link);
        generation.contract = hello.contract;
        generation.told_go = hello.stage != contract::Stage::fresh;
        generation.draining = phase == core::Phase::draining;
        if (generation.told_go) send_backends_out(generation);
        kept = &generation.process;
        if (core_.rules().is_pool) core_.on_pool_wants(number, hello.wanted);
        dismiss_orphans(generation); // they may have come before it
    }
    if (!generation.retiring.empty()) end_predecessors(generation);
    if (!is_recorded)
        record_start(generation, *kept, core_.rules().is_pool ? state::ProcessRole::master : state::ProcessRole::light);
    watch(generation, *kept);
}

// A child that has no master any more.
void WorkerHandle::adopt_child(Returned returned, Fd connection) {
    const contract::Hello hello = returned.hello;
    const auto number = hello.identity.generation;
    GenerationHandle* known = find(number);
    const core::Generation* in_core = core_.find(number);
    const core::Phase phase = hello.stage == contract::Stage::serving ? core::Phase::orphaned : core::Phase::draining;
    GenerationHandle& generation =
        known && in_core ? *known : generation_of({{}, spec_->name, number, true, hello.pid, 0}, phase);
    const bool is_recorded = returned.record.has_value();
    ServingProcess child = serving_process(returned);
    child.master = -1; // whichever it was, it is not
    ServingProcess& kept = generation.children.insert_or_assign(hello.pid, std::move(child)).first->second;
    if (!is_recorded) record_start(generation, kept, state::ProcessRole::child);
    core_.on_child_started(number, hello.pid, 0, Clock::now());
    core_.on_child_ready(number, hello.pid, Clock::now());
    greet_child(generation, kept, hello.stage, connection);
}

void WorkerHandle::adopt_silent_child(const core::RecordedProcess& record, Pidfd pidfd, std::int64_t started_ms) {
    GenerationHandle* known = find(record.generation);
    GenerationHandle& generation = known ? *known : generation_of(record, core::Phase::orphaned);
    if (!known) core_.adopt_silent(record.generation, Clock::now());
    if (generation.children.contains(record.pid)) return; // its master spoke for it
    ServingProcess child;
    child.uuid = record.uuid;
    child.pidfd = std::move(pidfd);
    child.start_time = record.start_time;
    child.started_ms = started_ms;
    ServingProcess& kept = generation.children.insert_or_assign(record.pid, std::move(child)).first->second;
    watch(generation, kept);
    core_.on_child_started(record.generation, record.pid, 0, Clock::now());
    core_.on_child_ready(record.generation, record.pid, Clock::now());
    act();
}

bool WorkerHandle::has_master(core::GenerationNumber number) const {
    return std::ranges::any_of(generations_, [number](const auto& generation) {
        return generation->number == number && generation->process.pidfd;
    });
}

bool WorkerHandle::is_announced(const core::RecordedProcess& child) const {
    const auto expected = expected_children_.find(child.pid);
    return expected != expected_children_.end() && expected->second.announced;
}

void WorkerHandle::expect_child(const core::RecordedProcess& record, std::int64_t started_ms) {
    expected_children_.try_emplace(record.pid, ExpectedChild{record, started_ms, false});
}

void WorkerHandle::resume(bool is_wanted) {
    if (is_wanted)
        core_.resume(Clock::now());
    else
        core_.stop(Clock::now());
    if (is_wanted) begin_probing();
    act();
    if (is_wanted && core_.rules().is_pool && core_.serving() != 0) resize(spec_->pool);
}

void WorkerHandle::replace_if_misplaced() {
    const GenerationHandle* serving = find(core_.serving());
    if (!serving || serving->listeners.empty()) return; // of a child without a master it is not known
    const auto is_there = [&](const Endpoint& endpoint) {
        return std::ranges::any_of(serving->listeners, [&](const Listener& listener) {
            return listening_endpoint(listener->get()) == endpoint;
        });
    };
    if (std::ranges::all_of(endpoints(), is_there)) return;
    log_line("warning", spec_->name + ": does not listen where it should, and is replaced");
    core_.replace(Clock::now());
    act();
}

void WorkerHandle::settle(core::GenerationNumber number) {
    core_.settle(number, Clock::now());
    act();
}

void WorkerHandle::continue_counts(int crashes, int planned_restarts) {
    core_.continue_counts(crashes, planned_restarts);
}

} // namespace mpsup
