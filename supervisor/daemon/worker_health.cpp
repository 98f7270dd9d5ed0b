// Probing: at the gate of a generation on its way in, and steadily while one serves.
#include "base/process_identity.h"
#include "supervisor/daemon/hook_runner.h"
#include "supervisor/daemon/log_files.h"
#include "supervisor/daemon/worker_handle.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <csignal>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto gate_interval = std::chrono::milliseconds(200);
constexpr auto held_up = std::chrono::seconds(1);       // later than a probe's own deadline
constexpr auto stop_patience = std::chrono::seconds(2); // for a stopped process to go on
constexpr double jitter = 0.1; // of the interval, either way, so that a machine's workers are not probed in step

Clock::duration jittered(topology::Duration interval, double chance) {
    return std::chrono::duration_cast<Clock::duration>(interval * (1 + jitter * (2 * chance - 1)));
}

asio::awaitable<ProbeResult> not_asked(std::string why) {
    co_return ProbeResult{.why = std::move(why), .asked = false};
}

} // namespace

Result<ProbeTarget> WorkerHandle::probe_target(const GenerationHandle& generation,
                                               const topology::ProbeSpec& how) const {
    const topology::WorkerSpec& spec = *generation.spec;
    ProbeTarget target;
    target.socket = generation.private_path;
    target.host = spec.listen.empty() ? "localhost" : spec.listen.front().to_string();
    target.path = how.http ? how.http : spec.health.path;
    if (!target.path && spec.kind == topology::Kind::dynamic) target.path = "/";
    target.tcp = how.tcp;
    target.exec = how.exec;
    if (!how.exec.empty()) {
        auto environment = environment_of(generation);
        if (!environment) return std::unexpected(environment.error());
        target.environment = std::move(*environment);
        target.environment.push_back("MPSUP_SOCKET=" + generation.private_path);
    }
    target.timeout = how.timeout.value_or(spec.health.timeout);
    return target;
}

asio::awaitable<ProbeResult> WorkerHandle::probe(const GenerationHandle& generation, const topology::ProbeSpec& how) {
    auto target = probe_target(generation, how);
    if (target) {
        if (!how.exec.empty()) no_question_.clear();
        return around_.probe.run(std::move(*target));
    }
    std::string why = target.error().to_string();
    if (std::exchange(no_question_, why) != why) log_line("warning", spec_->name + " is not probed: " + why);
    return not_asked(std::move(why));
}

bool WorkerHandle::is_asleep(const GenerationHandle& generation) const {
    return generation.process.pidfd && generation.children.empty() && core_.wanted() == 0 && core_.rules().is_pool;
}

asio::awaitable<void> WorkerHandle::keep_gate(core::GenerationNumber number) {
    const auto self = shared_from_this();
    bool has_started = false;
    while (!closed_) {
        const GenerationHandle* generation = find(number);
        const core::Generation* known = core_.find(number);
        if (!generation || !known || known->phase != core::Phase::gating) co_return;
        const topology::Health health = generation->spec->health;
        has_started = has_started || !health.startup.asks();
        const auto interval = has_started ? gate_interval : health.startup.every.value_or(gate_interval);
        const ProbeResult result = co_await probe(*generation, has_started ? health.readiness : health.startup);
        const bool began = !has_started && result.passed;
        has_started = has_started || began;
        if (began) continue; // at once with the first question that counts
        core_.on_probe(number, result.passed, result.why, Clock::now());
        act();
        co_await pause_for(interval);
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
        if (around_.look_at_sockets) around_.look_at_sockets();
        if (around_.hooks) around_.hooks->look_at_store();
        GenerationHandle* generation = find(number);
        if (!generation) co_return;
        ProbeResult result{.passed = true, .latency = {}, .why = {}};
        const auto began = Clock::now();
        const topology::ProbeSpec how = generation->spec->health.readiness;
        const bool decides = !generation->spec->health.liveness.asks();
        const auto timeout = how.timeout.value_or(generation->spec->health.timeout);
        const auto every = how.every.value_or(spec_->health.every);
        if (!is_asleep(*generation)) result = co_await probe(*generation, how); // one that sleeps is well
        const bool was_held_up = Clock::now() - began > timeout + held_up;
        if (!result.passed && was_held_up) continue; // everything stood still: it says nothing
        probed_ = number;
        next = Clock::now() + jittered(every, roll_dice());
        if (!result.asked) continue;
        generation = find(number);
        if (!generation || core_.serving() != number) continue; // it left meanwhile: its answer says nothing
        health_ = {result.passed, result.latency, wall_clock_ms(), result.why};
        const std::int64_t latency_us = std::chrono::microseconds(result.latency).count();
        around_.history.store().sample(
            state::HealthSample{spec_->name, number, result.passed ? "healthy" : "unhealthy", latency_us, result.why});
        for (const auto& each : generations_) sample_processes(*each); // one that sleeps costs memory too
        core_.on_probe(number, result.passed, result.why, Clock::now());
        if (decides) core_.on_liveness(number, result.passed, result.why, Clock::now());
        act();
    }
}

bool WorkerHandle::asks_for_liveness() {
    const GenerationHandle* generation = find(core_.serving());
    return generation && generation->spec->health.liveness.asks();
}

asio::awaitable<void> WorkerHandle::keep_liveness() {
    const auto self = shared_from_this();
    auto next = Clock::now();
    while (!closed_) {
        const auto number = core_.serving();
        const GenerationHandle* generation = find(number);
        if (!asks_for_liveness()) break;
        if (Clock::now() < next) {
            co_await health_bell_.wait_until(next);
            continue;
        }
        const topology::ProbeSpec how = generation->spec->health.liveness;
        const topology::Health health = generation->spec->health;
        const auto began = Clock::now();
        ProbeResult result{.passed = true, .latency = {}, .why = {}};
        if (!is_asleep(*generation)) result = co_await probe(*generation, how);
        if (!result.passed && Clock::now() - began > how.timeout.value_or(health.timeout) + held_up) continue;
        next = Clock::now() + jittered(how.every.value_or(health.every), roll_dice());
        if (!result.asked) continue;
        core_.on_liveness(number, result.passed, result.why, Clock::now());
        act();
    }
    keeps_liveness_ = false;
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
    // Of a large pool some at a time, in turn: the kernel may take a millisecond for each.
    constexpr std::size_t at_once = 100;
    auto next = generation.children.upper_bound(generation.sampled_last);
    for (std::size_t left = std::min(at_once, generation.children.size()); left > 0; --left, ++next) {
        if (next == generation.children.end()) next = generation.children.begin();
        generation.sampled_last = next->first;
        look(next->second);
    }
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
        log_line("error", spec_->name + " generation " + std::to_string(generation->number) + ": " + why);
        if (generation->process.pidfd.pid() == pid) core_.on_trouble(generation->number, why);
        (void)pidfd->send_signal(SIGKILL);
        co_return;
    }
}

} // namespace mpsup
