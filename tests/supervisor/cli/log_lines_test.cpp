#include "supervisor/cli/log_lines.h"

#include <gtest/gtest.h>

#include <vector>

namespace mpsup::cli {
namespace {

constexpr std::int64_t noon = 1'769'860'800'000; // 2026-01-31T12:00:00Z

TEST(TimeInLine, IsReadInEveryFormThatLogsHave) {
    EXPECT_EQ(time_in_line("[2026-01-31T12:00:00Z] [error] [pid 42] x"), noon);
    EXPECT_EQ(time_in_line("[2026-01-31T12:00:00.250+0000] [info] x"), noon + 250);
    EXPECT_EQ(time_in_line("2026-01-31 14:00:00,5+02:00 x"), noon + 500);
    EXPECT_EQ(time_in_line("[2026/01/31 12:00:00.1234567+0000] x"), noon + 123);
    EXPECT_EQ(time_in_line(R"(127.0.0.1 - - [31/Jan/2026:13:00:00 +0100] "GET / HTTP/1.1" 200 1 "-" "-")"), noon);
}

TEST(TimeInLine, IsNothingElse) {
    for (const char* line :
         {"", "loaded", "2026", "[2026-13-31T12:00:00Z]", "2026-01-31T12:00", "x [31/Foo/2026:13:00:00 +0100]",
          "at /srv/app.pl line 2026.", "[2026-01-31T99:00:00Z]", "DBI [1/2] failed"})
        EXPECT_FALSE(time_in_line(line)) << line;
}

std::vector<std::int64_t> times_of(const std::deque<LogLine>& lines) {
    std::vector<std::int64_t> times;
    for (const LogLine& line : lines) times.push_back(line.at_ms);
    return times;
}

TEST(LineClock, PlacesLinesByThoseAroundThem) {
    LineClock clock;
    std::deque<LogLine> placed;
    clock.begin_file(noon + 9'000);
    for (const char* line : {"before", "[2026-01-31T12:00:00Z] a", "  more of a", "[2026-01-31T12:00:05Z] b", "after"})
        clock.push(line, placed);
    EXPECT_EQ(times_of(placed), (std::vector<std::int64_t>{noon, noon, noon, noon + 5'000, noon + 5'000}));
    EXPECT_EQ(placed.front().text, "before");
}

TEST(LineClock, TakesTheTimeOfTheFileWhenNoLineHasOne) {
    LineClock clock;
    std::deque<LogLine> placed;
    clock.begin_file(noon);
    clock.push("one", placed);
    EXPECT_TRUE(placed.empty());
    clock.end_file(placed);
    EXPECT_EQ(times_of(placed), (std::vector<std::int64_t>{noon}));
}

TEST(LinePattern, IsAnExtendedRegularExpression) {
    const auto pattern = LinePattern::compile("5(00|03)$");
    ASSERT_TRUE(pattern);
    EXPECT_TRUE(pattern->matches("GET / 503"));
    EXPECT_FALSE(pattern->matches("GET / 503 x"));
    EXPECT_FALSE(LinePattern::compile("("));
}

} // namespace
} // namespace mpsup::cli
