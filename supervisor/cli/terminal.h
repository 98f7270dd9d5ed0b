// What may be printed to whoever reads.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

namespace mpsup::cli {

enum class Colour { none, green, yellow, red, dim };

/// `text` in a colour, if standard output is a terminal that is not dumb and NO_COLOR is not set (no-color.org).
[[nodiscard]] std::string coloured(const std::string& text, Colour colour);

constexpr std::size_t endless = std::numeric_limits<std::size_t>::max();

/// How many columns a line of a table may have: what COLUMNS says, else as many as the terminal on `output` has. What is
/// no terminal takes lines of any length (`endless`).
[[nodiscard]] std::size_t page_width(int output = 1);

/// The colour of a worker's state or health.
[[nodiscard]] Colour colour_of(const std::string& state);

/// Control characters replaced, so that what an application logged cannot act on the terminal.
[[nodiscard]] std::string printable(const std::string& text);
/// The same with its line breaks kept.
[[nodiscard]] std::string printable_lines(const std::string& text);

/// "2s", "3m", "5h", "9d": how long ago, in one unit.
[[nodiscard]] std::string short_age(long long milliseconds);

/// Milliseconds since 1970 of a timestamp "2026-01-31T12:00:00.000Z"; 0 for anything else.
[[nodiscard]] long long parse_timestamp(const std::string& text);

/// The local time of day, with the date when it is not today's.
[[nodiscard]] std::string local_time(long long wall_ms);

[[nodiscard]] long long now_ms();

} // namespace mpsup::cli
