#include "supervisor/cli/moment.h"

#include "base/units.h"
#include "supervisor/cli/terminal.h"

#include <array>
#include <ctime>

namespace mpsup::cli {

namespace {

// strptime that takes the whole text or nothing, and no day or hour that does not exist (31 April).
bool matches(const std::string& text, const char* format, std::tm& time) {
    std::tm read = time;
    const char* rest = ::strptime(text.c_str(), format, &read);
    if (!rest || *rest != '\0') return false;
    std::tm normal = read;
    normal.tm_isdst = -1;
    if (std::mktime(&normal) == -1 || normal.tm_mday != read.tm_mday) return false;
    time = read;
    return true;
}

std::int64_t to_ms(std::tm time) {
    time.tm_isdst = -1; // the C library finds out
    return std::int64_t{std::mktime(&time)} * 1000;
}

} // namespace

std::optional<std::int64_t> parse_moment(const std::string& text, std::int64_t now_ms) {
    if (const auto ago = parse_duration(text.starts_with('-') ? text.substr(1) : text)) return now_ms - ago->count();
    const std::time_t seconds = now_ms / 1000;
    std::tm today{};
    ::localtime_r(&seconds, &today);
    today.tm_sec = 0;
    std::tm time = today;
    for (const char* format : {"%H:%M:%S", "%H:%M"})
        if (matches(text, format, time)) {
            if (to_ms(time) > now_ms) --time.tm_mday;
            return to_ms(time);
        }
    time = today;
    time.tm_hour = time.tm_min = 0;
    for (const char* format :
         {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"})
        if (matches(text, format, time)) return to_ms(time);
    return std::nullopt;
}

std::string full_time(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm time{};
    ::localtime_r(&seconds, &time);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &time);
    return text.data();
}

std::string length_text(std::int64_t milliseconds) {
    if (milliseconds < 1000) return std::to_string(milliseconds < 0 ? 0 : milliseconds) + "ms";
    if (milliseconds >= 10'000) return short_age(milliseconds);
    return std::to_string(milliseconds / 1000) + "." + std::to_string(milliseconds / 100 % 10) + "s";
}

} // namespace mpsup::cli
