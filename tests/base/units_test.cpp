#include "base/units.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

TEST(Units, ReadDurations) {
    EXPECT_EQ(parse_duration("500ms"), 500ms);
    EXPECT_EQ(parse_duration("1.5s"), 1500ms);
    EXPECT_EQ(parse_duration("5m"), 300'000ms);
    EXPECT_EQ(parse_duration("2h"), 7'200'000ms);
    EXPECT_EQ(parse_duration("1d"), 86'400'000ms);
}

TEST(Units, RefuseDurationsWithoutAUnitAndWorse) {
    for (const char* text : {"", "30", "s", "-1s", "+1s", "1 s", "1sec", "1e3s", "99999999d", "nan", "infs", ".5s"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, WriteDurationsThatReadBackTheSame) {
    for (const auto duration :
         {0ms, 1ms, 999ms, 1000ms, 1500ms, 59'999ms, 60'000ms, 90'000ms, 3'600'000ms, 86'400'000ms})
        EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
    EXPECT_EQ(format_duration(1500ms), "1500ms");
    EXPECT_EQ(format_duration(120'000ms), "2m");
}

TEST(Units, ReadSizes) {
    EXPECT_EQ(parse_size("0B"), 0U);
    EXPECT_EQ(parse_size("64KiB"), 65'536U);
    EXPECT_EQ(parse_size("10MB"), 10'000'000U);
    EXPECT_EQ(parse_size("2GiB"), 2'147'483'648U);
    EXPECT_EQ(parse_size("900TiB"), 900ULL << 40);
    EXPECT_EQ(parse_size("1TB"), 1'000'000'000'000U);
    EXPECT_FALSE(parse_size("8193TiB"));
    for (const char* text : {"0B", "1025B", "1536KiB", "2GiB", "8192TiB"})
        EXPECT_EQ(format_whole_size(parse_size(text).value()), text);
    for (const char* text : {"", "64", "64K", "-1B", "1 MiB", "99999999GiB"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Units, WriteSizesForPeople) {
    EXPECT_EQ(format_size(912), "912B");
    EXPECT_EQ(format_size(4'928'307), "4.7MiB");
    EXPECT_EQ(format_size(13'631'488), "13MiB");
}

} // namespace
} // namespace mpsup
