// A topology file, as the verbs read it that would have it carried out.
#pragma once

#include "supervisor/topology/load.h"

#include <expected>
#include <optional>
#include <string>

namespace mpsup::cli {

/// Its certificates are opened by the worker program that would serve them. Where that cannot be run there is a warning.
[[nodiscard]] std::expected<topology::Loaded, topology::Problems> load_topology(const std::string& path);

/// The same, with what is wrong and what is doubtful on the standard error; nothing when it is refused.
[[nodiscard]] std::optional<topology::Topology> read_topology(const std::string& path);

} // namespace mpsup::cli
