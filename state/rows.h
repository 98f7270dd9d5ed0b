// What is remembered, as plain values. state/SCHEMA.md says where each lands and what survives a crash.
#pragma once

#include "base/exit_status.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace mpsup::state {

/// When something happened, by two clocks: the wall's may jump, the other counts from boot (CLOCK_BOOTTIME) and never
/// does. Both in milliseconds.
struct Stamp {
    std::int64_t wall_ms = 0; // since 1970, UTC
    std::int64_t boot_ms = 0;

    [[nodiscard]] static Stamp now() noexcept;
    friend bool operator==(const Stamp&, const Stamp&) = default;
};

enum class ProcessRole { light, master, child };

/// A process that is about to be started; `uuid` is its name for ever.
struct ProcessRow {
    std::string uuid{};
    std::string worker{};
    std::uint64_t generation = 0; // several masters may share one
    ProcessRole role = ProcessRole::light;
    Stamp at = Stamp::now();
};

/// What the kernel made of an intent. A child of a pool has no intent row: `row` tells then what it is.
struct ProcessStart {
    ProcessRow row{};
    pid_t pid = -1;
    std::uint64_t start_time = 0; // process_start_time of base/process_identity.h
    std::string boot_id{};
};

struct ProcessExit {
    std::string uuid{};
    ExitStatus status = ExitStatus::unknown();
    std::string reason{}; // "crash", "planned", or whatever an operator should read
    Stamp at = Stamp::now();
    std::string last_lines{}; // what it wrote last, when nobody had asked it to end; the last 4 KiB are kept
};

enum class EventKind {
    supervisor_started,
    supervisor_stopped,
    topology_applied,
    worker_added,
    worker_removed,
    started,         // a process was spawned
    spawn_failed,    // it could not be
    ready,           // a generation answers
    serving,         // a generation was admitted
    draining,        // a generation accepts nothing more
    exited,          // a light process or a pool master ended
    child_exited,    // a child of a pool ended
    killed,          // a deadline passed and SIGKILL was sent
    restart_planned, // somebody asked for a new generation
    restarted,       // and it serves; the old one drains
    gate_failed,     // a new generation did not pass; the old one stays
    health_changed,
    backoff,             // waits before the next start
    failed,              // the restart budget is spent
    stopped,             // nothing of the worker runs, as wanted
    promoted,            // a child of a pool became its master
    resized,             // somebody asked for another size of a pool
    request_quarantined, // it killed one child after the other
    worker_impaired,     // it serves without something
    code_drift,          // files that a generation was loaded from have changed
    store_damaged,
    store_recovered,
    adopted, // a new supervisor took over what an earlier one had started
    rollout_started,
    rollout_finished, // and how
    judged,           // a new generation by what clients got
    slept,            // a generation was replaced and is kept for a rollback
    woken,            // and serves again
    reset,            // somebody wants it tried again
    hook_ran,
    hook_failed,
    alert, // somebody should look
};

struct EventRow {
    EventKind kind = EventKind::supervisor_started;
    std::string worker{};         // empty: the site as a whole
    std::uint64_t generation = 0; // 0: of none
    pid_t pid = 0;                // 0: of none
    std::optional<ExitStatus> exit{};
    std::string reason{};               // for people, whole sentences not needed
    std::uint32_t crash_restarts = 0;   // of the worker so far, by reason
    std::uint32_t planned_restarts = 0; //
    std::string detail{};               // a JSON object, or empty
    Stamp at = Stamp::now();
};

struct HealthSample {
    std::string worker{};
    std::uint64_t generation = 0;
    std::string state{};         // "healthy", "unhealthy", "unknown"
    std::int64_t latency_us = 0; // of the probe; -1: no answer
    std::string reason{};        // why it is not healthy
    Stamp at = Stamp::now();
};

struct ProcessSample {
    std::string uuid{};
    std::uint64_t requests = 0; // since it started
    std::uint64_t private_bytes = 0;
    std::uint64_t shared_bytes = 0;
    Stamp at = Stamp::now();
};

/// A request that ran for too long, and where it was then.
struct SlowRow {
    std::string worker{};
    std::uint64_t generation = 0;
    pid_t pid = 0;
    std::string method{};
    std::string uri{};
    std::int64_t age_ms = 0;           // how long it had been running when the stack was taken
    std::vector<std::string> frames{}; // "file:line sub", innermost first; a newline in one is read back as a space
    std::string fingerprint{};         // fingerprint_of(frames), of state/fingerprint.h
    Stamp at = Stamp::now();
};

/// The last known status of a worker: what `status` says when no supervisor answers.
struct WorkerRow {
    std::string worker{};
    std::string state{}; // the word that `status` shows; empty: it left the site, its row goes
    std::uint64_t generation = 0;
    std::string status{}; // the worker's object of `status -o json`
    Stamp at = Stamp::now();
    std::uint32_t ready = 0; // processes that can serve
    std::uint32_t wanted = 0;
};

/// How a rollout ended.
enum class Verdict {
    running, // not yet
    done,
    aborted, // the old generation serves on
    rolled_back,
    frozen,      // it was left half done, as wanted
    unjudged,    // done, without enough requests to compare
    interrupted, // the supervisor ended first
};

/// An operation that changes what runs: written when it begins (running) and again when it has ended.
struct RolloutRow {
    std::string uuid{};
    std::string verb{};                 // of the command line: "up", "restart", "down", "scale", ...
    std::vector<std::string> workers{}; // by name, none with a space; empty: all of the site
    std::uint64_t from_generation = 0;  // of one worker; 0: of several, or unknown
    std::uint64_t to_generation = 0;
    std::string digest{}; // of the topology
    Stamp started = Stamp::now();
    std::optional<Stamp> ended{};
    Verdict verdict = Verdict::running;
    int exit_code = 0;    // of the command line; means something once it has ended
    std::string reason{}; // for people
    std::string detail{}; // a JSON object, or empty
};

struct TopologyRow {
    std::string digest{};
    std::string document{}; // topology::to_document
    std::string path{};     // the file it came from, for people
    Stamp at = Stamp::now();
};

[[nodiscard]] std::string_view to_string(ProcessRole role) noexcept;
[[nodiscard]] std::string_view to_string(EventKind kind) noexcept;
[[nodiscard]] std::string_view to_string(Verdict verdict) noexcept;
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view text) noexcept;
[[nodiscard]] std::optional<ProcessRole> parse_role(std::string_view text) noexcept;
[[nodiscard]] std::optional<EventKind> parse_event_kind(std::string_view text) noexcept;

} // namespace mpsup::state
