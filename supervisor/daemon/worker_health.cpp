// Probing: at the gate of a generation on its way in, and steadily while one serves.
#include "base/process_identity.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/worker_handle.h"

#include <algorithm>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto gate_interval = std::chrono::milliseconds(200);
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

asio::awaitable<void> WorkerHandle::keep_gate(core::GenerationNumber number) {
    const auto self = shared_from_this();
    while (!closed_) {
        const GenerationHandle* generation = find(number);
        const core::Generation* known = core_.find(number);
        if (!generation || !known || known->phase != core::Phase::gating) co_return;
        ProbeTarget target = probe_target(*generation);
        const ProbeResult result = co_await around_.probe.run(std::move(target));
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
        if (!asleep) {
            ProbeTarget target = probe_target(*generation);
            result = co_await around_.probe.run(std::move(target));
        }
        probed_ = number;
        const double stretch = 1 + jitter * (2 * roll_dice() - 1);
        next = Clock::now() + std::chrono::duration_cast<Clock::duration>(spec_.health.every * stretch);
        generation = find(number);
        if (!generation || core_.serving() != number) continue; // it left meanwhile: its answer says nothing
        health_ = {result.passed, result.latency, wall_clock_ms(), result.why};
        const std::int64_t latency_us = std::chrono::microseconds(result.latency).count();
        around_.history.store().sample(
            state::HealthSample{spec_.name, number, result.passed ? "healthy" : "unhealthy", latency_us, result.why});
        sample_processes(*generation);
        core_.on_probe(number, result.passed, result.why, Clock::now());
        act();
    }
}

void WorkerHandle::sample_processes(GenerationHandle& generation) {
    const auto look = [&](ServingProcess& process) {
        if (!process.pidfd) return;
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

} // namespace mpsup
