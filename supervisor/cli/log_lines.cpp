#include "supervisor/cli/log_lines.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <utility>

namespace mpsup::cli {

namespace {

constexpr std::size_t searched = 512; // of a line, for the time of an access log

// Reads one thing after the other and remembers whether all were there.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    int number(std::size_t digits) {
        int value = 0;
        const auto part = text_.substr(0, digits);
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (part.size() < digits || error != std::errc{} || end != part.data() + digits || value < 0) ok_ = false;
        text_.remove_prefix(std::min(digits, text_.size()));
        return value;
    }
    bool skip(std::string_view one_of) {
        const bool there = !text_.empty() && one_of.contains(text_.front());
        if (there) text_.remove_prefix(1);
        return there;
    }
    void want(std::string_view one_of) { ok_ = skip(one_of) && ok_; }
    int month() {
        constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
        const auto at = names.find(text_.substr(0, 3));
        if (text_.size() < 3 || at == std::string_view::npos || at % 3 != 0) ok_ = false;
        text_.remove_prefix(std::min<std::size_t>(3, text_.size()));
        return static_cast<int>(at / 3);
    }
    // Of a second, as far as there is one.
    int milliseconds() {
        if (!skip(".,")) return 0;
        int value = 0, places = 0;
        for (; !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; text_.remove_prefix(1))
            if (places++ < 3) value = value * 10 + (text_.front() - '0');
        for (; places < 3; ++places) value *= 10;
        return value;
    }
    // Seconds east of UTC; nothing: local time.
    std::optional<int> zone() {
        if (skip("Z")) return 0;
        if (text_.empty() || (text_.front() != '+' && text_.front() != '-')) return std::nullopt;
        const int sign = text_.front() == '-' ? -1 : 1;
        text_.remove_prefix(1);
        const int hours = number(2);
        skip(":");
        return sign * (hours * 3600 + number(2) * 60);
    }
    [[nodiscard]] bool ok() const { return ok_; }

private:
    std::string_view text_;
    bool ok_ = true;
};

std::optional<std::int64_t> to_ms(std::tm time, int milliseconds, std::optional<int> zone) {
    constexpr int last_month = 11;
    if (time.tm_mon < 0 || time.tm_mon > last_month || time.tm_mday < 1 || time.tm_mday > 31 || time.tm_hour > 24 ||
        time.tm_min > 59 || time.tm_sec > 60)
        return std::nullopt;
    time.tm_isdst = -1;
    const std::int64_t seconds = zone ? std::int64_t{::timegm(&time)} - *zone : std::int64_t{std::mktime(&time)};
    return seconds * 1000 + milliseconds;
}

// "[2026-01-31T12:00:00.000+0000]", "2026-01-31 12:00:00"
std::optional<std::int64_t> leading_time(std::string_view line) {
    Scanner in(line);
    in.skip("[");
    std::tm time{};
    time.tm_year = in.number(4) - 1900;
    in.want("-/");
    time.tm_mon = in.number(2) - 1;
    in.want("-/");
    time.tm_mday = in.number(2);
    in.want("T ");
    time.tm_hour = in.number(2);
    in.want(":");
    time.tm_min = in.number(2);
    in.want(":");
    time.tm_sec = in.number(2);
    const int milliseconds = in.milliseconds();
    const auto zone = in.zone();
    return in.ok() ? to_ms(time, milliseconds, zone) : std::nullopt;
}

// "… [06/Nov/1994:08:49:37 +0000] …"
std::optional<std::int64_t> access_time(std::string_view line) {
    const auto bracket = line.substr(0, searched).find(" [");
    if (bracket == std::string_view::npos) return std::nullopt;
    Scanner in(line.substr(bracket + 2));
    std::tm time{};
    time.tm_mday = in.number(2);
    in.want("/");
    time.tm_mon = in.month();
    in.want("/");
    time.tm_year = in.number(4) - 1900;
    in.want(":");
    time.tm_hour = in.number(2);
    in.want(":");
    time.tm_min = in.number(2);
    in.want(":");
    time.tm_sec = in.number(2);
    in.want(" ");
    const auto zone = in.zone();
    return in.ok() ? to_ms(time, 0, zone) : std::nullopt;
}

} // namespace

std::optional<std::int64_t> time_in_line(std::string_view line) {
    if (auto time = leading_time(line)) return time;
    return access_time(line);
}

void LineClock::push(std::string text, std::deque<LogLine>& placed) {
    if (const auto time = time_in_line(text)) {
        now_ms_ = *time;
        for (std::string& earlier : std::exchange(waiting_, {})) placed.push_back({*now_ms_, std::move(earlier)});
    }
    if (now_ms_)
        placed.push_back({*now_ms_, std::move(text)});
    else
        waiting_.push_back(std::move(text));
    if (waiting_.size() > most_waiting) {
        placed.push_back({written_ms_, std::move(waiting_.front())});
        waiting_.pop_front();
    }
}

void LineClock::end_file(std::deque<LogLine>& placed) {
    for (std::string& line : std::exchange(waiting_, {})) placed.push_back({written_ms_, std::move(line)});
}

std::optional<LinePattern> LinePattern::compile(const std::string& text) {
    LinePattern result;
    result.compiled_ = std::make_unique<const Compiled>(text);
    return result.compiled_->error == 0 ? std::optional(std::move(result)) : std::nullopt;
}

bool LinePattern::matches(const std::string& line) const {
    return ::regexec(&compiled_->pattern, line.c_str(), 0, nullptr, 0) == 0;
}

} // namespace mpsup::cli
