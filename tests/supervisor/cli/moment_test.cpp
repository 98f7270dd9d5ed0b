#include "supervisor/cli/moment.h"

#include <cstdlib>
#include <ctime>
#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

class Moment : public testing::Test {
protected:
    Moment() {
        ::setenv("TZ", "Europe/Berlin", 1);
        ::tzset();
    }
    ~Moment() override {
        ::unsetenv("TZ");
        ::tzset();
    }
    // 2026-11-22 12:00:00 CET
    static constexpr std::int64_t now = 1'795'345'200'000;
    [[nodiscard]] static std::string at(const std::string& text) {
        const auto moment = parse_moment(text, now);
        return moment ? full_time(*moment) : "-";
    }
};

TEST_F(Moment, IsSoLongAgo) {
    EXPECT_EQ(parse_moment("2h", now), now - 7'200'000);
    EXPECT_EQ(parse_moment("-2h", now), now - 7'200'000);
    EXPECT_EQ(parse_moment("500ms", now), now - 500);
}

TEST_F(Moment, IsTheLastTimeThatTheClockShowedIt) {
    EXPECT_EQ(at("03:12"), "2026-11-22 03:12:00");
    EXPECT_EQ(at("12:00"), "2026-11-22 12:00:00");
    EXPECT_EQ(at("12:00:01"), "2026-11-21 12:00:01");
    EXPECT_EQ(at("23:59"), "2026-11-21 23:59:00");
}

TEST_F(Moment, IsADate) {
    EXPECT_EQ(at("2026-11-22"), "2026-11-22 00:00:00");
    EXPECT_EQ(at("2026-11-22 03:12"), "2026-11-22 03:12:00");
    EXPECT_EQ(at("2026-11-22T03:12:30"), "2026-11-22 03:12:30");
    EXPECT_EQ(at("2026-07-01 03:12"), "2026-07-01 03:12:00"); // summer time
}

TEST_F(Moment, IsNothingElse) {
    for (const char* text :
         {"", "-", "yesterday", "25:00", "03:12 x", "2026-13-01", "2026-02-30", "12", "2026-11-22 ", "--2h"})
        EXPECT_EQ(at(text), "-") << text;
}

TEST_F(Moment, LengthsAreShort) {
    EXPECT_EQ(length_text(-1), "0ms");
    EXPECT_EQ(length_text(999), "999ms");
    EXPECT_EQ(length_text(2'150), "2.1s");
    EXPECT_EQ(length_text(720'000), "12m");
}

} // namespace
} // namespace mpsup::cli
