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
    std::string text;      // a JSON object; empty with an error
    std::string machine{}; // empty: the site is on this one alone, or only this one was asked
};

/// `workers`: none for all accelerators. ECONNREFUSED or ENOENT: no supervisor runs.
[[nodiscard]] Result<std::vector<WorkerAnswer>>
ask_workers(const ChosenSite& site, const std::vector<std::string>& workers, const contract::Question& question,
            std::chrono::milliseconds patience = std::chrono::seconds(30));

/// The same of questions that change nothing, of workers of these machines; none: of this one. What a machine that does not answer
/// lets be known of it is an answer without a worker.
[[nodiscard]] Result<std::vector<WorkerAnswer>>
ask_workers_of(const ChosenSite& site, const std::vector<std::string>& machines,
               const std::vector<std::string>& workers, const contract::Question& question,
               std::chrono::milliseconds patience = std::chrono::seconds(30));

/// With -o json one document, with jsonl a line for each; "mpsup: …" for each error. The exit code: failed when nobody
/// answered, or somebody did not.
[[nodiscard]] int print_as_json(const Context& context, const std::vector<WorkerAnswer>& answers);

} // namespace mpsup::cli
