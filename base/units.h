// Durations and sizes as people write them: a number with a unit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup {

/// "500ms", "30s", "5m", "2h", "1d"; decimals are allowed ("1.5s"). Nothing for anything else: a missing unit, a
/// sign, more than 10 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

constexpr std::uint64_t largest_size = std::uint64_t{1} << 53U; // bytes

/// "0B", "512B", "64KiB", "1MiB", "2GiB", "1TiB" and the decimal "10kB", "10MB", "1GB", "1TB". Nothing for anything else
/// or above largest_size.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

/// In the largest unit that leaves no fraction, as parse_duration reads it back: "1500ms", "1m", "2h".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

/// In the largest binary unit that leaves no fraction, as parse_size reads it back: "1536KiB", "2GiB".
[[nodiscard]] std::string format_whole_size(std::uint64_t bytes);

/// For people, at most three digits and a binary unit: "912B", "4.7MiB", "13MiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

} // namespace mpsup
