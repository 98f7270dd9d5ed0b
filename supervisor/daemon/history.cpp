#include "supervisor/daemon/history.h"

#include "state/fingerprint.h"

#include <chrono>
#include <optional>
#include <spdlog/spdlog.h>

namespace mpsup {

namespace {

std::string level_of(const core::Note& note) {
    switch (note.kind) {
    case core::Note::Kind::exited:
    case core::Note::Kind::child_exited: return note.planned ? "info" : "warning";
    case core::Note::Kind::launch_failed:
    case core::Note::Kind::gate_failed:
    case core::Note::Kind::failed: return "error";
    case core::Note::Kind::backoff:
    case core::Note::Kind::killed:
    case core::Note::Kind::health_changed: return "warning";
    case core::Note::Kind::started:
    case core::Note::Kind::ready:
    case core::Note::Kind::child_started:
    case core::Note::Kind::child_ready:
    case core::Note::Kind::promoted:
    case core::Note::Kind::slept:
    case core::Note::Kind::woken:
    case core::Note::Kind::draining: return "info";
    }
    return "info";
}

// The history keeps what an operator asks for afterwards; the coming and going of a pool's children while all is well
// is for the log alone.
std::optional<state::EventKind> kind_of(core::Note::Kind kind) {
    switch (kind) {
    case core::Note::Kind::started: return state::EventKind::started;
    case core::Note::Kind::ready: return state::EventKind::serving;
    case core::Note::Kind::child_started: return std::nullopt;
    case core::Note::Kind::child_ready: return std::nullopt;
    case core::Note::Kind::exited: return state::EventKind::exited;
    case core::Note::Kind::child_exited: return state::EventKind::child_exited;
    case core::Note::Kind::launch_failed: return state::EventKind::spawn_failed;
    case core::Note::Kind::gate_failed: return state::EventKind::gate_failed;
    case core::Note::Kind::draining: return state::EventKind::draining;
    case core::Note::Kind::killed: return state::EventKind::killed;
    case core::Note::Kind::backoff: return state::EventKind::backoff;
    case core::Note::Kind::failed: return state::EventKind::failed;
    case core::Note::Kind::health_changed: return state::EventKind::health_changed;
    case core::Note::Kind::promoted: return state::EventKind::promoted;
    case core::Note::Kind::slept: return state::EventKind::slept;
    case core::Note::Kind::woken: return state::EventKind::woken;
    }
    return std::nullopt;
}

std::string sentence(const std::string& worker, const core::Note& note) {
    std::string text =
        worker + " generation " + std::to_string(note.generation) + ": " + std::string(core::to_string(note.kind));
    if (note.pid > 0) text += ", pid " + std::to_string(note.pid);
    if (note.status) text += ", " + note.status->to_string();
    if (note.planned && note.kind != core::Note::Kind::launch_failed) text += ", planned";
    return note.text.empty() ? text : text + ": " + note.text;
}

} // namespace

std::int64_t wall_clock_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::string timestamp(std::int64_t ms) {
    const std::time_t seconds = ms / 1000;
    std::tm utc{};
    ::gmtime_r(&seconds, &utc);
    std::array<char, 40> text{};
    const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
    std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(ms % 1000));
    return text.data();
}

void log_line(const std::string& level, const std::string& text) { spdlog::log(spdlog::level::from_str(level), text); }

void History::note(const std::string& worker, const core::Note& note, const core::Worker& worker_state) {
    log_line(level_of(note), sentence(worker, note));
    const auto kind = kind_of(note.kind);
    if (!kind) return;
    state::EventRow row;
    row.kind = *kind;
    row.worker = worker;
    row.generation = note.generation;
    row.pid = note.pid > 0 ? note.pid : 0;
    row.exit = note.status;
    row.reason = note.planned && note.text.empty() ? "planned" : note.text;
    row.crash_restarts = static_cast<std::uint32_t>(worker_state.crashes());
    row.planned_restarts = static_cast<std::uint32_t>(worker_state.planned_restarts());
    store_.event(row);
}

void History::worker_event(state::EventKind kind, const std::string& worker, const core::Worker& worker_state,
                           const std::string& reason) {
    state::EventRow row;
    row.kind = kind;
    row.worker = worker;
    row.generation = worker_state.serving();
    row.reason = reason;
    row.crash_restarts = static_cast<std::uint32_t>(worker_state.crashes());
    row.planned_restarts = static_cast<std::uint32_t>(worker_state.planned_restarts());
    store_.event(row);
    log_line("info", worker + ": " + std::string(state::to_string(kind)) + (reason.empty() ? "" : ": " + reason));
}

void History::slow(const std::string& worker, core::GenerationNumber generation, pid_t pid,
                   const contract::SlowSnapshot& snapshot) {
    std::string text = worker + ": slow request, " + snapshot.method + " " + snapshot.uri + ", pid " +
                       std::to_string(pid) + ", running for " + std::to_string(snapshot.age_ms) + " ms, at";
    for (const std::string& frame : snapshot.frames) text += "\n    " + frame;
    log_line("warning", text);
    store_.slow({worker, generation, pid, snapshot.method, snapshot.uri, snapshot.age_ms, snapshot.frames,
                 state::fingerprint_of(snapshot.frames)});
}

void History::code_drift(const std::string& worker, core::GenerationNumber generation, const std::string& files,
                         const core::Worker& worker_state) {
    worker_event(state::EventKind::code_drift, worker, worker_state,
                 "generation " + std::to_string(generation) + " was loaded from files that have changed since: " +
                     files + "; `mpsup restart " + worker + "` loads them");
}

void History::quarantined(const std::string& worker, core::GenerationNumber generation, const std::string& request,
                          const core::Worker& worker_state) {
    constexpr std::size_t most = 1000;
    worker_event(state::EventKind::request_quarantined, worker, worker_state,
                 "generation " + std::to_string(generation) +
                     " answers 503 for a while to what killed one child after the other: " + request.substr(0, most));
}

void History::impaired(const std::string& worker, core::GenerationNumber generation, const std::string& what,
                       const core::Worker& worker_state) {
    constexpr std::size_t most = 1000;
    worker_event(state::EventKind::worker_impaired, worker, worker_state,
                 "generation " + std::to_string(generation) + ": " + what.substr(0, most));
}

void History::site_event(state::EventKind kind, const std::string& text) {
    state::EventRow row;
    row.kind = kind;
    row.reason = text;
    store_.event(row);
    log_line("info", std::string(state::to_string(kind)) + (text.empty() ? "" : ": " + text));
}

} // namespace mpsup
