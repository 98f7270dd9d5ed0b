// A topology file, read and checked.
#pragma once

#include "supervisor/topology/problem.h"
#include "supervisor/topology/topology.h"

#include <optional>
#include <string>

namespace mpsup {

struct Loaded {
    std::optional<Topology> topology; // nothing when there are problems
    Problems problems;
    std::string file; // absolute
    std::string text; // its contents, as far as they were read
};

/// Opens, reads and checks a file: all that is wrong with it at once (but one syntax error ends the reading), nothing
/// else is touched. Bounded: 1 MiB of text, whatever aliases it holds.
[[nodiscard]] Loaded load_topology(const std::string& file);

/// The same for a text at hand. `folder`: absolute, what relative paths start from.
[[nodiscard]] Loaded parse_topology(std::string text, const std::string& folder);

} // namespace mpsup
