// What every verb is given: where sites live, which one is meant, how to print.
#pragma once

#include "base/error.h"
#include "supervisor/control/site_paths.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cli {

/// How a command ends. Never changed: scripts depend on them.
enum ExitCode {
    ok = 0,
    failed = 1,
    usage = 2,
    not_running = 3, // something that should run does not
    no_supervisor = 4,
    unhealthy = 5,
    gate_failed = 6, // the old one was kept
    rolled_back = 7,
    busy = 8, // another change runs
    timed_out = 9,
    bad_topology = 78, // sysexits.h, EX_CONFIG
};

enum class Output { table, json, jsonl, junit }; // junit: of `links check` alone

struct Context {
    std::optional<std::string> state_dir;
    std::optional<std::string> run_dir;
    std::optional<std::string> site;
    Output output = Output::table;
    bool quiet = false;
    bool detach = false;
    std::optional<std::chrono::milliseconds> timeout; // of verbs that wait
    std::vector<std::string> machines;                // of those that may be narrowed to some; none: all

    [[nodiscard]] Result<BaseDirs> base_dirs() const;
};

/// A site and where it lives.
struct ChosenSite {
    std::string name;
    SitePaths paths;
};

/// The one that was named, else the one that runs, else the only one there is. An error that lists the candidates when
/// that leaves several or none.
[[nodiscard]] Result<ChosenSite> choose_site(const Context& context);

/// "mpsup: TEXT" on stderr; returns `code`.
int complain(const std::string& text, int code);

/// Was it one of the machines of a cluster when its supervisor ran last?
[[nodiscard]] bool is_of_several(const ChosenSite& site);

/// Why no supervisor of a site answers, and what can be done. Waits a moment for one that is just ending.
[[nodiscard]] std::string nobody_answers(const ChosenSite& site);

} // namespace mpsup::cli
