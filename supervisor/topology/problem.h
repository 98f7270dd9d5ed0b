// What is wrong with a topology file, and where.
#pragma once

#include <string>
#include <vector>

namespace mpsup {

struct Problem {
    int line = 0; // 1-based; 0: the file as a whole
    int column = 0;
    std::string message;
    std::string hint; // what to write instead; may be empty
};

using Problems = std::vector<Problem>;

/// "FILE:LINE:COLUMN: error: MESSAGE", the line itself, a caret under the column and the hint, for each problem in
/// the order of the file. `text`: the file's contents.
[[nodiscard]] std::string format_problems(const std::string& file, const std::string& text, Problems problems);

/// The candidate that somebody who wrote `word` most likely meant, or an empty text.
[[nodiscard]] std::string closest(const std::string& word, const std::vector<std::string>& candidates);

} // namespace mpsup
