// What on this machine stands in the way of a topology that was written on another one.
#pragma once

#include "supervisor/topology/topology.h"

#include <string>
#include <vector>

namespace mpsup {

/// Looks at what only the machine itself can know: whether it has its own address and those to listen on (but for the IP address
/// `borrowed`, which comes and goes), an interface for the `vip` where that may come to it, and whether files are where its share
/// says (topology/local_files.h). A sentence for each thing that is wrong; none: it can be brought up, as far as can be seen
/// beforehand. Reads the file system and the machine's addresses (getifaddrs(3)); changes nothing.
[[nodiscard]] std::vector<std::string> obstacles_to(const topology::Topology& share, const std::string& borrowed = {});

/// Why this process, as it is, could not set the `vip` of its share; empty: it could, or is not to.
[[nodiscard]] std::string doubt_about_vip(const topology::Topology& share);

} // namespace mpsup
