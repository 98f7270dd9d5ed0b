#include "worker/http/http_date.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace mpsup::http {

namespace {

constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void put_number(char* out, int value, int width) noexcept {
    for (int i = width; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// Reads a date piece by piece; one piece that does not fit makes the whole bad.
class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    int number(std::size_t width) {
        int value = 0;
        if (text_.size() < width) return fail();
        for (std::size_t i = 0; i < width; ++i) {
            if (text_[i] < '0' || text_[i] > '9') return fail();
            value = value * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(width);
        return value;
    }
    int month() {
        const auto* found = std::ranges::find(months, text_.substr(0, 3));
        if (found == std::end(months)) return fail();
        text_.remove_prefix(3);
        return static_cast<int>(found - std::begin(months));
    }
    void literal(std::string_view expected) {
        if (text_.starts_with(expected))
            text_.remove_prefix(expected.size());
        else
            fail();
    }
    void time(std::tm& tm) {
        tm.tm_hour = number(2);
        literal(":");
        tm.tm_min = number(2);
        literal(":");
        tm.tm_sec = number(2);
    }
    [[nodiscard]] char peek() const { return text_.empty() ? '\0' : text_.front(); }
    [[nodiscard]] bool finished() const { return good_ && text_.empty(); }

private:
    int fail() {
        good_ = false;
        return 0;
    }
    std::string_view text_;
    bool good_ = true;
};

// RFC 9110 section 5.6.7: a two-digit year more than 50 years ahead is of the last century.
int full_year(int two_digits) {
    const std::time_t now = std::time(nullptr);
    std::tm today{};
    ::gmtime_r(&now, &today);
    const int year = (today.tm_year + 1900) / 100 * 100 + two_digits;
    return year > today.tm_year + 1900 + 50 ? year - 100 : year;
}

bool scan_imf(std::string_view rest, std::tm& tm) {
    Scanner in(rest);
    tm.tm_mday = in.number(2);
    in.literal(" ");
    tm.tm_mon = in.month();
    in.literal(" ");
    tm.tm_year = in.number(4) - 1900;
    in.literal(" ");
    in.time(tm);
    in.literal(" GMT");
    return in.finished();
}

bool scan_rfc850(std::string_view rest, std::tm& tm) {
    Scanner in(rest);
    tm.tm_mday = in.number(2);
    in.literal("-");
    tm.tm_mon = in.month();
    in.literal("-");
    tm.tm_year = full_year(in.number(2)) - 1900;
    in.literal(" ");
    in.time(tm);
    in.literal(" GMT");
    return in.finished();
}

bool scan_asctime(std::string_view rest, std::tm& tm) {
    Scanner in(rest);
    tm.tm_mon = in.month();
    in.literal(" ");
    if (in.peek() == ' ') {
        in.literal(" ");
        tm.tm_mday = in.number(1);
    } else {
        tm.tm_mday = in.number(2);
    }
    in.literal(" ");
    in.time(tm);
    in.literal(" ");
    tm.tm_year = in.number(4) - 1900;
    return in.finished();
}

} // namespace

HttpDate format_http_date(std::time_t time) noexcept {
    std::tm tm{};
    ::gmtime_r(&time, &tm);
    HttpDate date;
    std::memcpy(date.data(), "Sun, 00 Jan 0000 00:00:00 GMT", date.size());
    std::memcpy(date.data(), days[tm.tm_wday].data(), 3);
    put_number(date.data() + 5, tm.tm_mday, 2);
    std::memcpy(date.data() + 8, months[tm.tm_mon].data(), 3);
    put_number(date.data() + 12, tm.tm_year + 1900, 4);
    put_number(date.data() + 17, tm.tm_hour, 2);
    put_number(date.data() + 20, tm.tm_min, 2);
    put_number(date.data() + 23, tm.tm_sec, 2);
    return date;
}

std::string_view current_http_date() noexcept {
    static thread_local std::time_t second = -1;
    static thread_local HttpDate text{};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != second) {
        second = now.tv_sec;
        text = format_http_date(second);
    }
    return {text.data(), text.size()};
}

std::optional<std::time_t> parse_http_date(std::string_view text) noexcept {
    std::tm tm{};
    const std::size_t comma = text.find(',');
    bool good = false;
    if (comma == std::string_view::npos) {
        good = text.size() > 4 && text[3] == ' ' && scan_asctime(text.substr(4), tm);
    } else if (text.substr(comma).starts_with(", ")) {
        const std::string_view rest = text.substr(comma + 2);
        good = comma == 3 ? scan_imf(rest, tm) : scan_rfc850(rest, tm);
    }
    if (!good || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return std::nullopt;
    return ::timegm(&tm);
}

} // namespace mpsup::http
