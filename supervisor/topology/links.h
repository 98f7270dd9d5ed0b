// What workers are told about links between the servers of a site.
#pragma once

#include "supervisor/topology/node.h"
#include "supervisor/topology/topology.h"
#include "worker/contract/links.h"

#include <map>
#include <string>

namespace mpsup::topology {

/// By the names of the workers; nothing for one that gets none. Fewer than two servers have no links between them.
[[nodiscard]] std::map<std::string, contract::Links> links_of(const Topology& topology);

/// Where links are looked at: each path must be one server's, and each server must have a name of its own. `look_at_files`: a path in
/// `serves` must exist in the folder.
[[nodiscard]] Findings check_links(const Topology& topology, const Node& root, bool look_at_files);

/// "off", "redirect", "rewrite"
[[nodiscard]] std::string_view to_string(contract::Links::Mode mode) noexcept;

} // namespace mpsup::topology
