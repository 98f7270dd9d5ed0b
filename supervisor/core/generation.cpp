#include "supervisor/core/generation.h"

#include <algorithm>
#include <utility>

namespace mpsup::core {

namespace {

std::optional<Duration> limit_of(Phase phase, const PhaseLimits& limits) {
    switch (phase) {
    case Phase::launching: return limits.hello;
    case Phase::loading: return limits.load;
    case Phase::gating: return limits.gate;
    case Phase::sleeping: return limits.keep;
    case Phase::draining: return limits.grace;
    case Phase::killing: return limits.kill_again;
    case Phase::standby:
    case Phase::serving:
    case Phase::orphaned:
    case Phase::gone: return std::nullopt;
    }
    std::unreachable();
}

} // namespace

std::string seconds(Duration duration) {
    const auto tenths = (duration.count() + 50) / 100;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

std::string overdue_text(Phase phase, const PhaseLimits& limits) {
    switch (phase) {
    case Phase::launching: return "said nothing for " + seconds(limits.hello) + " after it was started";
    case Phase::loading: return "was not ready " + seconds(limits.load) + " after it was told to load";
    case Phase::gating: return "did not pass its health checks within " + seconds(limits.gate);
    case Phase::sleeping: return "slept for " + seconds(limits.keep) + " and was not needed";
    case Phase::draining: return "had not finished " + seconds(limits.grace) + " after it was told to";
    case Phase::killing: return "is still there after SIGKILL";
    case Phase::standby:
    case Phase::serving:
    case Phase::orphaned:
    case Phase::gone: return {};
    }
    std::unreachable();
}

void Generation::enter(Phase next, const PhaseLimits& limits, Time now) {
    phase = next;
    phase_since = now;
    const auto limit = limit_of(next, limits);
    deadline = limit ? std::optional(now + *limit) : std::nullopt;
    if (next == Phase::serving) ready_since = now;
}

bool Generation::probe_gate(bool passed, const std::string& why, Duration min_healthy, Time now) {
    if (passed && passes == 0) passing_since = now;
    passes = passed ? passes + 1 : 0;
    trouble = passed ? std::string() : why;
    return passes >= passes_wanted && now >= passing_since + min_healthy;
}

Duration Generation::ready_for(Time now) const {
    return was_ready() ? std::chrono::duration_cast<Duration>(now - ready_since) : Duration(0);
}

int Generation::ready_count() const {
    if (phase == Phase::launching || phase == Phase::loading || !is_alive(phase)) return 0;
    if (!is_pool) return process_alive ? 1 : 0;
    return static_cast<int>(std::ranges::count_if(
        children, [this](const auto& entry) { return entry.second.ready && !is_leftover(entry.second); }));
}

bool Generation::is_leftover(const Child& child) const {
    return crowned != 0 && child.master != crowned && child.master != succession.heir();
}

std::string_view to_string(Note::Kind kind) noexcept {
    switch (kind) {
    case Note::Kind::started: return "started";
    case Note::Kind::ready: return "ready";
    case Note::Kind::child_started: return "child_started";
    case Note::Kind::child_ready: return "child_ready";
    case Note::Kind::exited: return "exited";
    case Note::Kind::child_exited: return "child_exited";
    case Note::Kind::launch_failed: return "launch_failed";
    case Note::Kind::gate_failed: return "gate_failed";
    case Note::Kind::draining: return "draining";
    case Note::Kind::killed: return "killed";
    case Note::Kind::backoff: return "backoff";
    case Note::Kind::failed: return "failed";
    case Note::Kind::health_changed: return "health_changed";
    case Note::Kind::promoted: return "promoted";
    case Note::Kind::slept: return "slept";
    case Note::Kind::woken: return "woken";
    }
    std::unreachable();
}

} // namespace mpsup::core
