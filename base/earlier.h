// The first of two moments that may not come.
#pragma once

#include <optional>

namespace mpsup {

/// Nothing when there is neither.
template <typename Time>
[[nodiscard]] constexpr std::optional<Time> earlier(const std::optional<Time>& one, const std::optional<Time>& other) {
    return one && (!other || *one <= *other) ? one : other;
}

} // namespace mpsup
