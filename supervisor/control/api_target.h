// What a GET of the control API asks for: a word, and what is said of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// "/v1/logs?worker=app&lines=50": a path, and values by their names; of two with one name the last counts. Lists are
/// joined by commas.
struct ApiTarget {
    std::string path;
    std::map<std::string, std::string> values{};

    /// Nothing when a percent sign is not followed by two hex digits (RFC 3986, section 2.1), or a NUL is meant.
    [[nodiscard]] static std::optional<ApiTarget> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;

    /// Empty: nothing is said.
    [[nodiscard]] std::string text(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> list(const std::string& name) const;
    /// Nothing: it is no number from 0 on.
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& name) const;
    /// "1"
    [[nodiscard]] bool has(const std::string& name) const { return text(name) == "1"; }
};

} // namespace mpsup
