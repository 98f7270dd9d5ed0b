// What one topology file describes, as plain values. Everything here was validated (load.h) or parsed back from a
// resolved document (resolve.h); nothing here knows of processes.
#pragma once

#include "base/address.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

using Duration = std::chrono::milliseconds;

/// How the programs are built: one big binary, a light and a heavy one, or one that loads the Perl engine.
enum class Binaries { one, two, dso };

enum class Kind { static_files, dynamic };

struct Machine {
    std::string name{};
    std::string ip{}; // canonical, as in Address

    friend bool operator==(const Machine&, const Machine&) = default;
};

struct Health {
    std::optional<std::string> path{}; // of the probe's request; nothing: no HTTP probe, ready is healthy
    Duration every{5'000};
    Duration timeout{2'000};

    friend bool operator==(const Health&, const Health&) = default;
};

struct Restart {
    int burst = 5; // deaths within `window` after which the worker is given up
    Duration window{30'000};
    Duration backoff{1'000}; // before the second start in a row; doubles
    Duration max{60'000};    // upper end of the back-off

    friend bool operator==(const Restart&, const Restart&) = default;
};

struct Stop {
    Duration grace{30'000}; // to finish what runs; then SIGKILL

    friend bool operator==(const Stop&, const Stop&) = default;
};

struct WorkerSpec {
    std::string name{}; // [a-z][a-z0-9_-]*, at most 32 characters
    Kind kind = Kind::static_files;
    std::vector<Address> listen{};            // at least one; no two of a topology overlap
    std::string root{};                       // static: absolute folder, the whole path of a request is appended
    std::vector<std::string> serves{};        // static: path prefixes ("/static/"); empty: every path
    std::string app{};                        // dynamic: absolute path of a .psgi file
    std::map<std::string, std::string> env{}; // added to the clean environment of the worker
    int pool = 2;                             // dynamic: children
    Health health{};
    Restart restart{};
    Stop stop{};

    friend bool operator==(const WorkerSpec&, const WorkerSpec&) = default;
};

struct Topology {
    std::string site{}; // [a-z][a-z0-9_-]*, at most 32 characters: names folders and sockets
    Binaries binaries = Binaries::two;
    std::vector<Machine> machines{};   // exactly one
    std::vector<WorkerSpec> workers{}; // at least one, in the order of the file

    friend bool operator==(const Topology&, const Topology&) = default;

    /// Nothing when there is no worker of that name.
    [[nodiscard]] const WorkerSpec* find(std::string_view worker) const noexcept;
};

/// "static", "dynamic"
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;
/// "one", "two", "dso"
[[nodiscard]] std::string_view to_string(Binaries binaries) noexcept;

} // namespace mpsup::topology
