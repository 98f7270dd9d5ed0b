#include "supervisor/topology/problem.h"

#include <algorithm>
#include <numeric>
#include <sstream>
#include <utility>

namespace mpsup {

namespace {

constexpr std::size_t longest_line_shown = 160;

std::string line_of(const std::string& text, int number) {
    std::istringstream lines(text);
    std::string line;
    for (int i = 0; i < number; ++i)
        if (!std::getline(lines, line)) return {};
    if (line.ends_with('\r')) line.pop_back();
    // A terminal must not act on what stands in a file, and a caret counts one column a character.
    for (char& c : line)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return line.size() > longest_line_shown ? line.substr(0, longest_line_shown) + "…" : line;
}

// Levenshtein's distance, one row at a time.
std::size_t distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
        }
    }
    return row.back();
}

} // namespace

std::string format_problems(const std::string& file, const std::string& text, Problems problems) {
    std::ranges::stable_sort(problems, {}, [](const Problem& p) { return std::pair(p.line, p.column); });
    std::string out;
    for (const Problem& problem : problems) {
        out += file + ":";
        if (problem.line > 0) out += std::to_string(problem.line) + ":" + std::to_string(problem.column) + ":";
        out += " error: " + problem.message + "\n";
        const std::string line = problem.line > 0 ? line_of(text, problem.line) : std::string();
        if (!line.empty()) {
            out += "    " + line + "\n";
            if (problem.column <= static_cast<int>(longest_line_shown))
                out += "    " + std::string(static_cast<std::size_t>(std::max(problem.column - 1, 0)), ' ') + "^\n";
        }
        if (!problem.hint.empty()) out += "    " + problem.hint + "\n";
    }
    return out;
}

std::string closest(const std::string& word, const std::vector<std::string>& candidates) {
    constexpr std::size_t longest_word = 40;
    if (word.size() > longest_word) return {};
    const std::size_t tolerance = std::max<std::size_t>(1, word.size() / 3);
    std::string best;
    std::size_t best_distance = tolerance + 1;
    for (const std::string& candidate : candidates) {
        const std::size_t d = distance(word, candidate);
        if (d < best_distance) {
            best_distance = d;
            best = candidate;
        }
    }
    return best;
}

} // namespace mpsup
