#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace mpsup {

namespace {

struct Unit {
    std::string_view name;
    double factor;
};

constexpr std::array duration_units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                    Unit{"d", 86'400'000}};
constexpr std::array size_units{
    Unit{"B", 1},    Unit{"KiB", 1024.0}, Unit{"MiB", 1048576.0},       Unit{"GiB", 1073741824.0}, Unit{"kB", 1e3},
    Unit{"MB", 1e6}, Unit{"GB", 1e9},     Unit{"TiB", 1099511627776.0}, Unit{"TB", 1e12}};

template <std::size_t N>
std::optional<double> parse_number_with_unit(std::string_view text, const std::array<Unit, N>& units, double limit) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    double number = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view name(rest, static_cast<std::size_t>(end - rest));
    for (const auto& unit : units)
        if (unit.name == name)
            return number * unit.factor <= limit ? std::optional(number * unit.factor) : std::nullopt;
    return std::nullopt;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    constexpr double ten_years_ms = 3653.0 * 86'400'000;
    const auto value = parse_number_with_unit(text, duration_units, ten_years_ms);
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(std::llround(*value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto value = parse_number_with_unit(text, size_units, static_cast<double>(largest_size));
    if (!value) return std::nullopt;
    return static_cast<std::uint64_t>(std::llround(*value));
}

std::string format_duration(std::chrono::milliseconds duration) {
    const auto count = duration.count();
    for (auto unit = duration_units.rbegin(); unit != duration_units.rend(); ++unit) {
        const auto factor = static_cast<long long>(unit->factor);
        if (count >= factor && count % factor == 0) return std::to_string(count / factor) + std::string(unit->name);
    }
    return std::to_string(count) + "ms";
}

std::string format_whole_size(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes > 0 && bytes % 1024 == 0 && unit + 1 < names.size(); ++unit) bytes /= 1024;
    return std::to_string(bytes) + names[unit];
}

std::string format_size(std::uint64_t bytes) {
    constexpr std::array<const char*, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 999.5 && unit + 1 < names.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || value >= 9.95 ? "%.0f%s" : "%.1f%s", value, names[unit]);
    return text.data();
}

} // namespace mpsup
