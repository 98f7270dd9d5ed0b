#pragma once

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

/// "there is no machine app7; there is app1, web1"
[[nodiscard]] inline std::string there_is_no(std::string_view kind, std::string_view name,
                                             const std::vector<std::string>& known) {
    std::string text = "there is no ";
    text.append(kind).append(" ").append(name).append("; there is ");
    return text += joined(known, ", ");
}

} // namespace mpsup
