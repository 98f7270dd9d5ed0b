// The bytes of a topology file: are they text at all, and how is a place in them shown?
#pragma once

#include "supervisor/topology/load.h"
#include "supervisor/topology/node.h"

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::topology {

/// What makes these bytes unfit for a YAML parser, which would pass most of it over in silence: invalid UTF-8 (RFC 3629),
/// control characters (YAML 1.2.2 section 5.1), a carriage return alone, a tab that indents, a line over
/// max_line_bytes, more than max_open_brackets, nothing at all.
[[nodiscard]] std::optional<Finding> check_text(std::string_view text);

/// RFC 3629.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// Line `line`, counted from 1, without its end; empty when there is none.
[[nodiscard]] std::string_view line_of(std::string_view text, int line) noexcept;

/// A file that was read.
struct Source {
    std::string name;   // as it is shown
    std::string folder; // absolute; that its relative paths start from
    std::string text;
};
using Sources = std::vector<Source>;

/// Turns findings into problems, in the order of the files and of what stands in them; `sources` by Mark::file, not empty.
[[nodiscard]] Problems to_problems(Findings findings, const Sources& sources);

} // namespace mpsup::topology
