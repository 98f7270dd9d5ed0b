// What `mpsup status -o json` shows, version 1: fields may be added, none renamed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

class WorkerHandle;

struct SupervisorView {
    std::string state; // running, stopping
    int pid = 0;
    std::int64_t started_ms = 0; // wall clock
    std::string build;
    std::string trouble;   // of the store; empty: none
    std::string operation; // that runs: "restart"; empty: none
    std::string rollout;   // what it rolls just now, a sentence; empty: nothing
    std::string cluster{}; // cluster_view.h; empty: this machine is the only one
};

struct SiteView {
    std::string site;
    std::string layout;
    std::string topology_path;
    std::string topology_digest;
    SupervisorView supervisor;
};

/// The worker's object. Asks nobody: scoreboards are read, memory is of the last health tick. With `now` (wall clock,
/// ms) it is complete; without, what changes with every request or tick is left out, so that two texts differ only
/// when something happened.
[[nodiscard]] std::string status_json(const WorkerHandle& worker, std::optional<std::int64_t> now_ms);

/// The whole document. `workers`: each a text from status_json.
[[nodiscard]] std::string status_json(const SiteView& site, const std::vector<std::string>& workers);

} // namespace mpsup
