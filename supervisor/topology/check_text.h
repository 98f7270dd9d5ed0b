// What a topology's text must be before a YAML parser sees it.
#pragma once

#include "supervisor/topology/problem.h"

#include <cstddef>
#include <string>

namespace mpsup {

constexpr std::size_t longest_topology = 1024 * 1024; // bytes

/// The first place that is not UTF-8 (RFC 3629) or holds a control character that YAML does not allow (YAML 1.2
/// section 5.1); nothing when all is well.
[[nodiscard]] Problems check_text(const std::string& text);

} // namespace mpsup
