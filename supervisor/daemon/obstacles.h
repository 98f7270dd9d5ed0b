// What on this machine stands in the way of a topology that was written on another one.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup {

/// Looks at what only the machine itself can know: whether it has the addresses to listen on (but for `borrowed`, which come and
/// go), and whether folders, applications and scripts are where the topology says. A sentence for each thing that is wrong, in
/// the order of the workers; none: it can be brought up, as far as can be seen beforehand. Reads the file system and the
/// machine's addresses (getifaddrs(3)); changes nothing.
[[nodiscard]] std::vector<std::string> obstacles_to(const topology::Topology& topology,
                                                    const std::string& borrowed = {});

} // namespace mpsup
