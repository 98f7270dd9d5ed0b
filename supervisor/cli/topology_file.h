// A topology file, as the verbs read it that would have it carried out.
#pragma once

#include "supervisor/topology/load.h"

#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::cli {

using Files = std::vector<std::string>; // what a later one says counts more

/// As the supervisor keeps it: absolute, with colons between them. Nothing when one of several has a colon in its name.
[[nodiscard]] std::optional<std::string> to_path_list(const Files& files);
/// The other way. A list that is the name of a file is that file.
[[nodiscard]] Files from_path_list(const std::string& list);

/// Its certificates are opened by the worker program that would serve them. Where that cannot be run there is a warning.
[[nodiscard]] std::expected<topology::Loaded, topology::Problems> load_topology(const Files& files);

/// The same, with what is wrong on the standard error, and unless `quiet` what is doubtful; nothing when it is refused.
[[nodiscard]] std::optional<topology::Topology> read_topology(const Files& files, bool quiet);

} // namespace mpsup::cli
