#include "supervisor/cli/terminal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace mpsup::cli {

namespace {

bool use_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const bool dumb = !term || std::string_view(term) == "dumb";
    return ::isatty(STDOUT_FILENO) != 0 && !dumb && !(no_color && *no_color);
}

const char* code_of(Colour colour) {
    switch (colour) {
    case Colour::none: return "";
    case Colour::green: return "\033[32m";
    case Colour::yellow: return "\033[33m";
    case Colour::red: return "\033[31m";
    case Colour::dim: return "\033[2m";
    }
    return "";
}

} // namespace

std::string coloured(const std::string& text, Colour colour) {
    static const bool allowed = use_colour();
    return allowed && colour != Colour::none ? code_of(colour) + text + "\033[0m" : text;
}

std::size_t page_width(int output) {
    constexpr std::size_t usual = 80;
    constexpr std::size_t narrowest = 40;
    if (const char* columns = std::getenv("COLUMNS")) {
        std::size_t width = 0;
        const std::string_view text = columns;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
        if (error == std::errc{} && end == text.data() + text.size() && width > 0) return std::max(width, narrowest);
    }
    if (::isatty(output) == 0) return endless;
    winsize window{};
    const bool is_known = ::ioctl(output, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    return is_known ? std::max<std::size_t>(window.ws_col, narrowest) : usual;
}

Colour colour_of(const std::string& state) {
    if (state == "ready" || state == "healthy") return Colour::green;
    if (state == "failed" || state == "unhealthy" || state == "unknown") return Colour::red;
    if (state == "stopped") return Colour::dim;
    return Colour::yellow;
}

std::string printable(const std::string& text) {
    std::string out = text;
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = c == '\n' || c == '\t' ? ' ' : '?';
    return out;
}

std::string printable_lines(const std::string& text) {
    std::string out = printable(text);
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; ++at) out[at] = '\n';
    return out;
}

std::string short_age(long long milliseconds) {
    const long long seconds = milliseconds < 0 ? 0 : milliseconds / 1000;
    if (seconds < 100) return std::to_string(seconds) + "s";
    if (seconds < 100 * 60) return std::to_string(seconds / 60) + "m";
    if (seconds < 100 * 3600) return std::to_string(seconds / 3600) + "h";
    return std::to_string(seconds / 86400) + "d";
}

long long parse_timestamp(const std::string& text) {
    std::tm utc{};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (!rest) return 0;
    long long milliseconds = 0;
    if (*rest == '.') milliseconds = std::strtoll(rest + 1, nullptr, 10);
    return static_cast<long long>(::timegm(&utc)) * 1000 + milliseconds;
}

std::string local_time(long long wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    const std::time_t now = std::time(nullptr);
    std::tm then_tm{};
    std::tm now_tm{};
    ::localtime_r(&seconds, &then_tm);
    ::localtime_r(&now, &now_tm);
    const bool today = then_tm.tm_yday == now_tm.tm_yday && then_tm.tm_year == now_tm.tm_year;
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), today ? "%H:%M:%S" : "%m-%d %H:%M:%S", &then_tm);
    return text.data();
}

long long now_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

} // namespace mpsup::cli
