// Probing: at the gate of a generation on its way in, and steadily while one serves.
#include "base/process_identity.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/worker_handle.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <csignal>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto gate_interval = std::chrono::milliseconds(200);
constexpr auto held_up = std::chrono::seconds(1);       // later than a probe's own deadline
constexpr auto stop_patience = std::chrono::seconds(2); // for a stopped process to go on
constexpr double jitter = 0.1; // of the interval, either way, so that a machine's workers are not probed in step

} // namespace

ProbeTarget WorkerHandle::probe_target(const GenerationHandle& generation) const {
    const topology::WorkerSpec& spec = generation.spec;
    ProbeTarget target;
    target.socket = generation.private_path;
    target.host = spec.listen.empty() ? "localhost" : spec.listen.front().to_string();
    target.path = spec.health.path;
    if (!target.path && spec.kind == topology::Kind::dynamic) target.path = "/";
    target.timeout = spec.health.timeout;
    return target;
}

asio::awaitable<ProbeResult> WorkerHandle::probe(const GenerationHandle& generation) {
    ProbeTarget target = probe_target(generation);
    return around_.probe.run(std::move(target));
}

asio::awaitable<void> WorkerHandle::keep_gate(core::GenerationNumber number) {
    const auto self = shared_from_this();
    while (!closed_) {
        const GenerationHandle* generation = find(number);
        const core::Generation* known = core_.find(number);
        if (!generation || !known || known->phase != core::Phase::gating) co_return;
        const ProbeResult result = co_await probe(*generation);
        core_.on_probe(number, result.passed, result.why, Clock::now());
        act();
        co_await pause_for(gate_interval);
    }
}

asio::awaitable<void> WorkerHandle::keep_health() {
    const auto self = shared_from_this();
    auto next = Clock::now();
    while (!closed_) {
        const auto number = core_.serving();
        if (number == 0 || (number == probed_ && Clock::now() < next)) {
            co_await health_bell_.wait_until(number == 0 ? Clock::time_point::max() : next);
            continue;
        }
        look_at_logs(false);
        if (around_.logs) around_.logs->look_at_own(false);
        GenerationHandle* generation = find(number);
        if (!generation) co_return;
        // A pool on demand that sleeps is well; a probe would wake it up.
        const bool asleep =
            generation->process.pidfd && generation->children.empty() && core_.wanted() == 0 && core_.rules().is_pool;
        ProbeResult result{.passed = true, .latency = {}, .why = {}};
        const auto began = Clock::now();
        if (!asleep) result = co_await probe(*generation);
        const bool was_held_up = Clock::now() - began > spec_.health.timeout + held_up;
        if (!result.passed && was_held_up) continue; // everything stood still: it says nothing
        probed_ = number;
        const double stretch = 1 + jitter * (2 * roll_dice() - 1);
        next = Clock::now() + std::chrono::duration_cast<Clock::duration>(spec_.health.every * stretch);
        generation = find(number);
        if (!generation || core_.serving() != number) continue; // it left meanwhile: its answer says nothing
        health_ = {result.passed, result.latency, wall_clock_ms(), result.why};
        const std::int64_t latency_us = std::chrono::microseconds(result.latency).count();
        around_.history.store().sample(
            state::HealthSample{spec_.name, number, result.passed ? "healthy" : "unhealthy", latency_us, result.why});
        for (const auto& each : generations_) sample_processes(*each); // one that sleeps costs memory too
        core_.on_probe(number, result.passed, result.why, Clock::now());
        act();
    }
}

void WorkerHandle::sample_processes(GenerationHandle& generation) {
    const auto look = [&](ServingProcess& process) {
        if (!process.pidfd) return;
        const bool has_master = &process != &generation.process && generation.process.pidfd && !process.link;
        // Of those that are not our children nobody tells us.
        if (!has_master && process_state(process.pidfd.pid()).value_or('?') == 'T') on_stopped(process.pidfd.pid());
        const auto memory = process_memory(process.pidfd.pid());
        if (!memory) return;
        process.private_bytes = memory->private_bytes;
        process.shared_bytes = memory->shared_bytes;
        around_.history.store().sample(state::ProcessSample{process.uuid, process.scoreboard.read().requests,
                                                            memory->private_bytes, memory->shared_bytes});
    };
    look(generation.process);
    for (auto& [pid, child] : generation.children) look(child);
}

void WorkerHandle::on_stopped(pid_t pid) {
    if (closed_ || !stopped_.insert(pid).second) return;
    asio::co_spawn(around_.executor, judge_stopped(pid), [](const std::exception_ptr&) {});
}

// Whoever stops it may let it go on, as when the whole machine is paused and we were stopped with it.
asio::awaitable<void> WorkerHandle::judge_stopped(pid_t pid) {
    const auto self = shared_from_this();
    Clock::time_point until;
    do {
        until = Clock::now() + stop_patience;
        co_await pause_for(stop_patience);
    } while (Clock::now() > until + held_up);
    stopped_.erase(pid);
    if (process_state(pid).value_or('?') != 'T') co_return;
    for (const auto& generation : generations_) {
        const Pidfd* const pidfd = pidfd_of(generation->number, pid);
        if (!pidfd || pidfd->ended()) continue;
        const std::string why = "pid " + std::to_string(pid) + " was stopped (SIGSTOP) and did not go on";
        log_line("error", spec_.name + " generation " + std::to_string(generation->number) + ": " + why);
        if (generation->process.pidfd.pid() == pid) core_.on_trouble(generation->number, why);
        (void)pidfd->send_signal(SIGKILL);
        co_return;
    }
}

} // namespace mpsup
