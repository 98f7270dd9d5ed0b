// What is kept, as values. state/SCHEMA.md documents the tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace mpsup {

/// A process of the site. `uuid` is made up before it exists; the rest comes when it does.
struct ProcessRow {
    std::string uuid;
    std::string worker;
    std::uint64_t generation = 0;
    std::string role;             // light, master, child
    pid_t pid = 0;                // 0: not started (an intent)
    std::uint64_t start_time = 0; // /proc/PID/stat field 22
    std::string boot_id;
};

/// Something that happened.
struct EventRow {
    std::int64_t id = 0;    // given by the database
    std::int64_t at_ms = 0; // wall clock, UTC, since 1970
    std::string kind;       // "exited", "ready", …
    std::string worker;     // empty: the site as a whole
    std::uint64_t generation = 0;
    pid_t pid = 0;
    std::optional<int> signal;    // of what was killed
    std::optional<int> exit_code; // of what exited
    bool planned = false;
    int crashes = 0; // of the worker until then
    int planned_restarts = 0;
    std::string text;
};

/// What the supervisor thought of a worker, last.
struct WorkerRow {
    std::string name;
    std::string kind;
    std::string state;
    std::uint64_t generation = 0;
    int ready = 0;
    int wanted = 0;
    int crashes = 0;
    int planned_restarts = 0;
    std::string health;
    std::int64_t updated_ms = 0;
};

struct HealthSample {
    std::int64_t at_ms = 0;
    std::string worker;
    std::uint64_t generation = 0;
    bool passed = false;
    std::int64_t latency_ms = 0;
    std::uint64_t private_bytes = 0; // of all its processes together
    std::uint64_t shared_bytes = 0;  // of the one that shares most
};

struct TopologyRow {
    std::string digest;
    std::string path; // the file it came from
    std::string document;
    std::int64_t applied_ms = 0;
};

} // namespace mpsup
