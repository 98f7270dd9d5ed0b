// Asking light workers something, by way of the supervisor.
#pragma once

#include "base/error.h"
#include "supervisor/cli/context.h"
#include "worker/contract/light_control.h"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace mpsup::cli {

/// What one worker said, or why it did not.
struct WorkerAnswer {
    std::string worker;
    std::string error;
    std::string text; // a JSON object; empty with an error
};

/// `workers`: none for all accelerators. ECONNREFUSED or ENOENT: no supervisor runs.
[[nodiscard]] Result<std::vector<WorkerAnswer>>
ask_workers(const ChosenSite& site, const std::vector<std::string>& workers, const contract::Question& question,
            std::chrono::milliseconds patience = std::chrono::seconds(30));

/// With -o json one document, with jsonl a line for each; "mpsup: …" for each error. The exit code: failed when nobody
/// answered, or somebody did not.
[[nodiscard]] int print_as_json(const Context& context, const std::vector<WorkerAnswer>& answers);

} // namespace mpsup::cli
