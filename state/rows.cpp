#include "state/rows.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

namespace mpsup::state {

namespace {

// The words are on the disk: never changed, only added.
constexpr std::array event_kinds{
    std::pair{EventKind::supervisor_started, std::string_view("supervisor_started")},
    std::pair{EventKind::supervisor_stopped, std::string_view("supervisor_stopped")},
    std::pair{EventKind::topology_applied, std::string_view("topology_applied")},
    std::pair{EventKind::worker_added, std::string_view("worker_added")},
    std::pair{EventKind::worker_removed, std::string_view("worker_removed")},
    std::pair{EventKind::started, std::string_view("started")},
    std::pair{EventKind::spawn_failed, std::string_view("spawn_failed")},
    std::pair{EventKind::ready, std::string_view("ready")},
    std::pair{EventKind::serving, std::string_view("serving")},
    std::pair{EventKind::draining, std::string_view("draining")},
    std::pair{EventKind::exited, std::string_view("exited")},
    std::pair{EventKind::child_exited, std::string_view("child_exited")},
    std::pair{EventKind::killed, std::string_view("killed")},
    std::pair{EventKind::restart_planned, std::string_view("restart_planned")},
    std::pair{EventKind::restarted, std::string_view("restarted")},
    std::pair{EventKind::gate_failed, std::string_view("gate_failed")},
    std::pair{EventKind::health_changed, std::string_view("health_changed")},
    std::pair{EventKind::backoff, std::string_view("backoff")},
    std::pair{EventKind::failed, std::string_view("failed")},
    std::pair{EventKind::stopped, std::string_view("stopped")},
    std::pair{EventKind::promoted, std::string_view("promoted")},
    std::pair{EventKind::resized, std::string_view("resized")},
    std::pair{EventKind::request_quarantined, std::string_view("request_quarantined")},
    std::pair{EventKind::worker_impaired, std::string_view("worker_impaired")},
    std::pair{EventKind::code_drift, std::string_view("code_drift")},
    std::pair{EventKind::store_damaged, std::string_view("store_damaged")},
    std::pair{EventKind::store_recovered, std::string_view("store_recovered")},
    std::pair{EventKind::adopted, std::string_view("adopted")},
    std::pair{EventKind::rollout_started, std::string_view("rollout_started")},
    std::pair{EventKind::rollout_finished, std::string_view("rollout_finished")},
    std::pair{EventKind::judged, std::string_view("judged")},
    std::pair{EventKind::slept, std::string_view("slept")},
    std::pair{EventKind::woken, std::string_view("woken")},
    std::pair{EventKind::reset, std::string_view("reset")},
    std::pair{EventKind::hook_ran, std::string_view("hook_ran")},
    std::pair{EventKind::hook_failed, std::string_view("hook_failed")},
    std::pair{EventKind::alert, std::string_view("alert")},
};

constexpr std::array roles{
    std::pair{ProcessRole::light, std::string_view("light")},
    std::pair{ProcessRole::master, std::string_view("master")},
    std::pair{ProcessRole::child, std::string_view("child")},
};

constexpr std::array verdicts{
    std::pair{Verdict::running, std::string_view("running")},
    std::pair{Verdict::done, std::string_view("done")},
    std::pair{Verdict::aborted, std::string_view("aborted")},
    std::pair{Verdict::rolled_back, std::string_view("rolled_back")},
    std::pair{Verdict::frozen, std::string_view("frozen")},
    std::pair{Verdict::unjudged, std::string_view("unjudged")},
    std::pair{Verdict::interrupted, std::string_view("interrupted")},
};

template <typename Table, typename Value> std::string_view word_of(const Table& table, Value value) noexcept {
    for (const auto& [known, word] : table)
        if (known == value) return word;
    return {};
}

template <typename Value, typename Table>
std::optional<Value> value_of(const Table& table, std::string_view text) noexcept {
    for (const auto& [value, word] : table)
        if (word == text) return value;
    return std::nullopt;
}

} // namespace

Stamp Stamp::now() noexcept {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    timespec boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &boot);
    return {duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(),
            std::int64_t{boot.tv_sec} * 1000 + boot.tv_nsec / 1'000'000};
}

std::string_view to_string(ProcessRole role) noexcept { return word_of(roles, role); }
std::string_view to_string(EventKind kind) noexcept { return word_of(event_kinds, kind); }
std::string_view to_string(Verdict verdict) noexcept { return word_of(verdicts, verdict); }
std::optional<Verdict> parse_verdict(std::string_view text) noexcept { return value_of<Verdict>(verdicts, text); }
std::optional<ProcessRole> parse_role(std::string_view text) noexcept { return value_of<ProcessRole>(roles, text); }
std::optional<EventKind> parse_event_kind(std::string_view text) noexcept {
    return value_of<EventKind>(event_kinds, text);
}

} // namespace mpsup::state
