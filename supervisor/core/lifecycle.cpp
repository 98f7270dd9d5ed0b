#include "supervisor/core/lifecycle.h"

#include <utility>

namespace mpsup::core {

namespace {

// What a generation that must go without ceremony does; the rows below differ only in what else they react to.
constexpr Transition kill{Phase::killing, Action::kill};
constexpr Transition drain{Phase::draining, Action::send_drain};
constexpr Transition gone{Phase::gone, Action::none};

constexpr Transition stay(Phase phase) { return {phase, Action::none}; }

Transition from_launching(Trigger trigger) {
    switch (trigger) {
    case Trigger::hello: return {Phase::loading, Action::send_go};
    case Trigger::lost: return gone;
    case Trigger::retire:
    case Trigger::overdue: return kill;
    case Trigger::ready:
    case Trigger::passed:
    case Trigger::admit:
    case Trigger::adopted:
    case Trigger::sleep:
    case Trigger::wake:
    case Trigger::master_lost: return stay(Phase::launching);
    }
    std::unreachable();
}

Transition from_loading(Trigger trigger) {
    switch (trigger) {
    case Trigger::ready: return {Phase::gating, Action::open_gate};
    case Trigger::lost: return gone;
    case Trigger::retire:
    case Trigger::master_lost:
    case Trigger::overdue: return kill;
    case Trigger::hello:
    case Trigger::passed:
    case Trigger::adopted:
    case Trigger::sleep:
    case Trigger::wake:
    case Trigger::admit: return stay(Phase::loading);
    }
    std::unreachable();
}

Transition from_gating(Trigger trigger) {
    switch (trigger) {
    case Trigger::passed: return stay(Phase::standby);
    case Trigger::lost: return gone;
    case Trigger::retire: return drain;
    case Trigger::master_lost:
    case Trigger::overdue: return kill;
    case Trigger::hello:
    case Trigger::ready:
    case Trigger::adopted:
    case Trigger::sleep:
    case Trigger::wake:
    case Trigger::admit: return stay(Phase::gating);
    }
    std::unreachable();
}

Transition from_standby(Trigger trigger) {
    switch (trigger) {
    case Trigger::admit: return {Phase::serving, Action::send_serve};
    case Trigger::lost: return gone;
    case Trigger::retire: return drain;
    case Trigger::master_lost: return kill;
    case Trigger::hello:
    case Trigger::ready:
    case Trigger::passed:
    case Trigger::adopted:
    case Trigger::sleep:
    case Trigger::wake:
    case Trigger::overdue: return stay(Phase::standby);
    }
    std::unreachable();
}

Transition from_serving(Phase phase, Trigger trigger) {
    switch (trigger) {
    case Trigger::lost: return gone;
    case Trigger::retire: return drain;
    case Trigger::master_lost: return stay(Phase::orphaned);
    case Trigger::adopted: return stay(Phase::serving);
    case Trigger::sleep: return phase == Phase::serving ? Transition{Phase::sleeping, Action::send_sleep} : drain;
    case Trigger::hello:
    case Trigger::ready:
    case Trigger::passed:
    case Trigger::admit:
    case Trigger::wake:
    case Trigger::overdue: return stay(phase);
    }
    std::unreachable();
}

Transition from_sleeping(Trigger trigger) {
    switch (trigger) {
    case Trigger::lost: return gone;
    case Trigger::wake: return {Phase::serving, Action::send_wake};
    case Trigger::retire:
    case Trigger::master_lost:
    case Trigger::overdue: return drain;
    case Trigger::hello:
    case Trigger::ready:
    case Trigger::passed:
    case Trigger::admit:
    case Trigger::adopted:
    case Trigger::sleep: return stay(Phase::sleeping);
    }
    std::unreachable();
}

Transition from_leaving(Phase phase, Trigger trigger) {
    switch (trigger) {
    case Trigger::lost: return gone;
    case Trigger::overdue: return kill;
    case Trigger::hello:
    case Trigger::ready:
    case Trigger::passed:
    case Trigger::admit:
    case Trigger::retire:
    case Trigger::adopted:
    case Trigger::sleep:
    case Trigger::wake:
    case Trigger::master_lost: return stay(phase);
    }
    std::unreachable();
}

} // namespace

Transition transition(Phase phase, Trigger trigger) noexcept {
    switch (phase) {
    case Phase::launching: return from_launching(trigger);
    case Phase::loading: return from_loading(trigger);
    case Phase::gating: return from_gating(trigger);
    case Phase::standby: return from_standby(trigger);
    case Phase::serving:
    case Phase::orphaned: return from_serving(phase, trigger);
    case Phase::sleeping: return from_sleeping(trigger);
    case Phase::draining:
    case Phase::killing: return from_leaving(phase, trigger);
    case Phase::gone: return gone;
    }
    std::unreachable();
}

std::string_view to_string(Phase phase) noexcept {
    switch (phase) {
    case Phase::launching: return "launching";
    case Phase::loading: return "loading";
    case Phase::gating: return "gating";
    case Phase::standby: return "standby";
    case Phase::serving: return "serving";
    case Phase::orphaned: return "orphaned";
    case Phase::sleeping: return "sleeping";
    case Phase::draining: return "draining";
    case Phase::killing: return "killing";
    case Phase::gone: return "gone";
    }
    std::unreachable();
}

bool is_coming(Phase phase) noexcept {
    return phase == Phase::launching || phase == Phase::loading || phase == Phase::gating || phase == Phase::standby;
}

bool is_taking_requests(Phase phase) noexcept { return phase == Phase::serving || phase == Phase::orphaned; }

} // namespace mpsup::core
