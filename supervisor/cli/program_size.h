// What the worker programs of each build cost, measured here and now.
#pragma once

#include "supervisor/cli/size_view.h"

#include <string>
#include <vector>

namespace mpsup::cli {

/// Runs the programs in `folder` with --memory, each once, one after the other. What cannot be had is said in `trouble`.
[[nodiscard]] std::vector<ProgramSize> measure_programs(const std::string& folder);

} // namespace mpsup::cli
