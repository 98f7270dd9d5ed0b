// Points in time, as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mpsup::cli {

/// Milliseconds since 1970 of "2h" or "-2h" (so long before `now_ms`), "03:12" or "03:12:30" (the last time that the
/// clock showed it), "2026-11-22", "2026-11-22 03:12" or "2026-11-22T03:12:30"; local time. Nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_moment(const std::string& text, std::int64_t now_ms);

/// "2026-11-22 03:12:30", local time.
[[nodiscard]] std::string full_time(std::int64_t wall_ms);

/// "350ms", "2.1s", "12m", "3h": in one unit.
[[nodiscard]] std::string length_text(std::int64_t milliseconds);

} // namespace mpsup::cli
