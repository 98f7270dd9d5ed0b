// Several topology files as one tree: those that are named, what they include, and the variables of `env_file`.
#pragma once

#include "supervisor/topology/interpolate.h"
#include "supervisor/topology/node.h"
#include "supervisor/topology/source_text.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::topology {

constexpr std::size_t max_include_depth = 16;
constexpr std::size_t max_files = 64; // of one topology; a file that is included twice counts twice, an env_file once
constexpr std::size_t max_text_bytes = 4UL << 20; // of all of them

struct Assembled {
    NodePtr root;      // variables put in, without `include` and `env_file`
    Sources sources;   // by Mark::file
    Findings findings; // keys that stand twice in one file, what is wrong with an `env_file`
};

/// Of what is read there is always one source more than of what is named: files that are included come behind the
/// file that includes them. Each has its variables put in, and is merged over what it includes, in that order: maps
/// key by key, all else replaces. An included path is relative to the folder of the file that says it. A file that
/// cannot be read or is no YAML, an include cycle, and what is over the limits come alone. The files of a worker's
/// `env_file` are read when all is merged: its `env` is merged over the last of them, that over the one before; the
/// marks of variables are of their files.
[[nodiscard]] std::expected<Assembled, Problems> assemble(std::vector<Source> named, const Variables& variables);

/// A file as a source. Refuses what is not a regular file (without blocking on it), what is over max_file_bytes, and,
/// when running as root, a file that everybody may write: the reason and the remedy. `kind`: what it should be, for
/// messages.
[[nodiscard]] std::expected<Source, std::string> read_source(const std::string& path,
                                                             std::string_view kind = "a topology file");

/// `over` on `base`.
[[nodiscard]] NodePtr merge(const NodePtr& base, const NodePtr& over);

} // namespace mpsup::topology
