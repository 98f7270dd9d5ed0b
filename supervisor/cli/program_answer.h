// Asking the worker programs something, without starting a worker.
#pragma once

#include "base/error.h"

#include <string>
#include <vector>

namespace mpsup::cli {

/// Where the programs lie: beside this one.
[[nodiscard]] std::string folder_of_this_program();

/// What the program at `path` prints when it is run with these arguments, up to 1 MiB; its standard error is ours. It is
/// killed after 10 s.
[[nodiscard]] Result<std::string> answer_of(const std::string& path, std::vector<std::string> arguments);

} // namespace mpsup::cli
