#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

/// {"a", "b"} with ", " is "a, b".
[[nodiscard]] inline std::string joined(const std::vector<std::string>& words, std::string_view separator) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : separator).append(word);
    return text;
}

/// Of the first of `names` that is none of those known: "there is no machine app7; there is app1, web1". Empty: all are.
[[nodiscard]] inline std::string unknown_among(std::string_view kind, const std::vector<std::string>& names,
                                               const std::vector<std::string>& known) {
    for (const std::string& name : names)
        if (std::ranges::find(known, name) == known.end())
            return "there is no " + std::string(kind) + " " + name + "; there is " + joined(known, ", ");
    return {};
}

} // namespace mpsup
