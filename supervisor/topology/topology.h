// What one topology file says, checked and complete.
#pragma once

#include "base/address.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

enum class WorkerKind { static_files, dynamic };

struct HealthSpec {
    std::optional<std::string> path; // GET this; nothing: "/" of a dynamic worker, `OPTIONS *` of a static one
    std::chrono::milliseconds every{5'000};
    std::chrono::milliseconds timeout{2'000};
    friend bool operator==(const HealthSpec&, const HealthSpec&) = default;
};

struct RestartSpec {
    int burst = 5;                            // deaths …
    std::chrono::milliseconds window{30'000}; // … within this long: given up
    std::chrono::milliseconds backoff{1'000}; // before the second start in a row; doubles
    std::chrono::milliseconds max{60'000};    // the longest wait
    friend bool operator==(const RestartSpec&, const RestartSpec&) = default;
};

struct StopSpec {
    std::chrono::milliseconds grace{30'000}; // to finish what runs; then SIGKILL
    friend bool operator==(const StopSpec&, const StopSpec&) = default;
};

struct WorkerSpec {
    std::string name;
    WorkerKind kind = WorkerKind::static_files;
    std::vector<Address> listen;
    std::string root;                // static: absolute folder
    std::vector<std::string> serves; // static: path prefixes; empty: everything
    std::string app;                 // dynamic: absolute path of a .psgi file
    std::map<std::string, std::string> env;
    int pool = 2; // dynamic: children
    HealthSpec health;
    RestartSpec restart;
    StopSpec stop;
    friend bool operator==(const WorkerSpec&, const WorkerSpec&) = default;
};

struct MachineSpec {
    std::string name = "here";
    std::string address = "127.0.0.1"; // how others reach it
    friend bool operator==(const MachineSpec&, const MachineSpec&) = default;
};

/// A value. Made by load() or parse_document(), both of which have checked everything.
struct Topology {
    std::string site;
    MachineSpec machine;
    std::vector<WorkerSpec> workers; // in the file's order: they start in it and stop in its reverse

    [[nodiscard]] const WorkerSpec* find(const std::string& name) const;
    friend bool operator==(const Topology&, const Topology&) = default;
};

/// "two-ports", "two-ips" or "custom": how this site is placed.
[[nodiscard]] std::string layout_of(const Topology& topology);

/// What clients type to reach a worker: "http://127.0.0.1:8080"; a listener on every address is reached at the
/// machine's own.
[[nodiscard]] std::string public_url(const Topology& topology, const WorkerSpec& worker);

} // namespace mpsup
