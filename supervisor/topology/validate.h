// From a tree to a Topology, by the key table.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"
#include "supervisor/topology/value.h"

#include <expected>

namespace mpsup::topology {

/// All that is wrong, not the first thing only; the findings carry place and key.
[[nodiscard]] std::expected<Topology, Findings> validate(const Node& root, const Origin& origin);

} // namespace mpsup::topology
