// Changes of a text: what is replaced by what.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::links {

/// The octets [begin, end) of a text give way to `text`; begin == end: it is put in there.
struct Edit {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::string text{};

    friend bool operator==(const Edit&, const Edit&) = default;
};

/// Of one text, in its order, without overlaps.
using Edits = std::vector<Edit>;

[[nodiscard]] inline std::string applied(std::string_view text, const Edits& edits) {
    std::string result;
    std::size_t added = 0;
    for (const Edit& edit : edits) added += edit.text.size();
    result.reserve(text.size() + added);
    std::size_t at = 0;
    for (const Edit& edit : edits) {
        result.append(text.substr(at, edit.begin - at)).append(edit.text);
        at = edit.end;
    }
    return result.append(text.substr(at));
}

} // namespace mpsup::links
