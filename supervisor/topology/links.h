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

/// Each path that is written must be one server's. `look_at_files`: a path in `serves` should exist in the folder;
/// advice ("missing-path", see advice.h). Where links are looked at it must, paths that nobody wrote must be one
/// server's too, each server must have a name of its own, and where links are rewritten one that is no guess.
[[nodiscard]] Findings check_links(const Topology& topology, const Node& root, bool look_at_files);

/// "off", "redirect", "rewrite"
[[nodiscard]] std::string_view to_string(contract::Links::Mode mode) noexcept;

} // namespace mpsup::topology
