#include "supervisor/topology/suggest.h"

#include <algorithm>
#include <array>

namespace mpsup::topology {

namespace {
constexpr std::size_t longest_word = 40; // anything longer is no typing error
}

int edit_distance(std::string_view a, std::string_view b) {
    std::array<std::array<int, longest_word + 1>, 3> rows{}; // of the matrix: before last, last, this
    a = a.substr(0, longest_word);
    b = b.substr(0, longest_word);
    for (std::size_t j = 0; j <= b.size(); ++j) rows[1][j] = static_cast<int>(j);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        rows[2][0] = static_cast<int>(i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const int replace = rows[1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            rows[2][j] = std::min({replace, rows[1][j] + 1, rows[2][j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                rows[2][j] = std::min(rows[2][j], rows[0][j - 2] + 1);
        }
        rows[0] = rows[1];
        rows[1] = rows[2];
    }
    return rows[1][b.size()];
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.empty() || word.size() > longest_word) return {};
    std::string_view best;
    int best_distance = std::max(1, static_cast<int>(word.size()) / 3) + 1;
    for (const auto candidate : candidates) {
        const int distance = edit_distance(word, candidate);
        // A word of which nothing is left was not meant.
        if (distance >= best_distance || distance >= static_cast<int>(candidate.size())) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

std::string in_ticks(std::string_view text) {
    constexpr std::size_t shown = 60;
    return "`" + std::string(text.substr(0, shown)) + (text.size() > shown ? "…`" : "`");
}

std::string unreadable(const Error& error, std::string_view too_large) {
    if (error.code == std::errc::file_too_large) return std::string(too_large);
    if (error.code == std::errc::is_a_directory) return "is a folder";
    if (error.code == std::errc::invalid_argument) return "not a regular file";
    if (error.code == std::errc::no_such_file_or_directory) return "there is no such file";
    return error.code.message();
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto found = nearest(word, candidates);
    return found.empty() ? "" : "did you mean " + in_ticks(found) + "?";
}

} // namespace mpsup::topology
