// Keys that stand twice in one map.
#pragma once

#include "supervisor/topology/node.h"

namespace mpsup::topology {

/// Of the whole tree, values that are named twice (aliases) once. The first of them counts for whoever reads on.
[[nodiscard]] Findings find_duplicates(const Node& root);

} // namespace mpsup::topology
