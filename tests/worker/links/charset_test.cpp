#include "worker/links/charset.h"

#include <gtest/gtest.h>

namespace mpsup::links {
namespace {

TEST(Charset, HasAsciiInside) {
    for (const char* label :
         {"", "utf-8", "UTF-8", " \"utf-8\" ", "'latin1'", "ISO-8859-1", "iso-8859-15", "iso8859-2", "iso88591",
          "windows-1250", "windows-1252", "Windows-1258", "us-ascii", "koi8-r", "euc-jp"})
        EXPECT_TRUE(is_ascii_superset(label)) << label;
}

TEST(Charset, IsNotTrustedOtherwise) {
    for (const char* label :
         {"utf-16", "utf-16le", "UTF-16BE", "utf-32", "utf-7", "shift_jis", "gbk", "gb18030", "big5", "iso-2022-jp",
          "hz-gb-2312", "windows-1259", "windows-31j", "iso-8859-17", "iso-8859-", "utf", "x"})
        EXPECT_FALSE(is_ascii_superset(label)) << label;
}

TEST(Charset, IsSaidByAMark) {
    using namespace std::string_view_literals;
    EXPECT_TRUE(has_wide_mark("\xff\xfe<\0"sv));
    EXPECT_TRUE(has_wide_mark("\xfe\xff\0<"sv));
    EXPECT_TRUE(has_wide_mark("\0\0\xfe\xff"sv));
    EXPECT_FALSE(has_wide_mark("\xef\xbb\xbf<"));
    EXPECT_FALSE(has_wide_mark(""));
}

} // namespace
} // namespace mpsup::links
