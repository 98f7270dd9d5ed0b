// Asking the worker programs something, without starting a worker.
#pragma once

#include "base/error.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace mpsup::cli {

/// Where the programs lie: beside this one.
[[nodiscard]] std::string folder_of_this_program();

struct AnswerTerms {
    std::string input{}; // for its standard input, which has nothing otherwise
    std::chrono::milliseconds patience{10'000};
    std::size_t most = 1U << 20U; // bytes of the answer
};

/// What the program at `path` prints when it is run with these arguments; its standard error is ours. When the patience is over, or the answer
/// is longer than wanted, it is killed, and the answer is what it said until then.
[[nodiscard]] Result<std::string> answer_of(const std::string& path, std::vector<std::string> arguments,
                                            const AnswerTerms& terms = {});

} // namespace mpsup::cli
