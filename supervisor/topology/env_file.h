// Files with variables, a line each, as docker compose and systemd read them: NAME=value.
#pragma once

#include "supervisor/topology/interpolate.h"
#include "supervisor/topology/node.h"

#include <cstddef>
#include <string_view>

namespace mpsup::topology {

constexpr std::size_t max_env_variables = 4096; // of one file

struct EnvFile {
    NodePtr variables; // a map of names to texts, without the lines that are wrong
    Findings findings; // malformed lines, names that stand twice
};

/// What such a file says; its marks are of file number `file`. UTF-8, lines end with LF or CRLF. A line is blank, a
/// comment (`#` first), or NAME=value, with blanks around the `=` and `export ` before it if you like. A value is
/// - unquoted: as it stands, without blanks around it; a `#` behind a blank begins a comment; no backslash at its end
///   (nothing goes on in the next line);
/// - in double quotes: \n \r \t \\ \" \$ are escapes, any other backslash is an error; it may span lines;
/// - in single quotes: literally all up to the next one; it may span lines.
/// Behind a closing quote only a comment follows. Unquoted and double-quoted values are interpolated (interpolate.h),
/// with `variables` and, where those do not know a name, with what this file has said of it before; faults are in the
/// nodes. Names are checked by who takes the map. The rules are those of the compose files' env_file (compose-spec
/// 05-services.md); what that takes and is an error here: `NAME: value`, NAME alone, $NAME without braces, names that
/// stand twice, \' in single quotes.
[[nodiscard]] EnvFile read_env_file(std::string_view text, const Variables& variables, int file);

} // namespace mpsup::topology
