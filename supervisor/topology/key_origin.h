// Where in the files the value of a key was written.
#pragma once

#include "supervisor/topology/node.h"

#include <optional>
#include <string>
#include <vector>

namespace mpsup::topology {

/// Of a key of the resolved document, by the names on the way to it ("workers", "app", "pool", "size"; an index in `routes`), in
/// the tree that the document was made from. Nothing: nobody wrote it, it is the default.
[[nodiscard]] std::optional<Mark> origin_of(const Node& root, const std::vector<std::string>& path);

} // namespace mpsup::topology
