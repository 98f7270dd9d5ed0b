#include "worker/http/http_date.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

constexpr std::time_t moment = 784111777; // RFC 9110 section 5.6.7

TEST(HttpDate, IsWrittenAsTheRfcSays) {
    const HttpDate date = format_http_date(moment);
    EXPECT_EQ(std::string_view(date.data(), date.size()), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(HttpDate, IsReadInAllThreeForms) {
    EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), moment);
    EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), moment);
    EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), moment);
    EXPECT_EQ(parse_http_date("Wed Nov 16 08:49:37 1994"), moment + 10 * 86400);
}

TEST(HttpDate, IsNothingElse) {
    for (const char* bad :
         {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 6 Nov 1994 08:49:37 GMT",
          "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 19 4 08:49:37 GMT", "1994-11-06", ","})
        EXPECT_EQ(parse_http_date(bad), std::nullopt) << bad;
}

TEST(HttpDate, OfNowCanBeReadBack) {
    const std::time_t now = parse_http_date(current_http_date()).value_or(0);
    EXPECT_NEAR(static_cast<double>(now), static_cast<double>(std::time(nullptr)), 2);
}

} // namespace
} // namespace mpsup::http
