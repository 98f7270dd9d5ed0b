#include "worker/links/word_scan.h"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace mpsup::links {
namespace {

constexpr std::array<std::string_view, 2> words{"static", "img-2"};

bool may(std::string_view page) { return may_hold_words(page, words); }

TEST(WordScan, FindsWordsInWhateverWayTheyAreWritten) {
    for (const char* page :
         {"static",
          "<a href='/static/'>",
          "xxstaticxx",
          "ststatic",
          "img-2",
          "st\nat\r\n\tic",
          "st\\atic",
          "%73tatic",
          "stati%63",
          "st&#97;tic",
          "st&#x61tic",
          "\\73 tatic",
          "\\000073tatic",
          "img&#45;2",
          "stat&Tab;ic",
          "stat&NewLine;ic",
          "img&#0000000000000000000000000000000000000000000000000000000000000000000000000000000000000045;2",
          "sta\\\ntic",
          "&percnt;73tatic",
          "%7\n3tatic",
          "%&#55;3tatic",
          "%\\37 3tatic",
          "&#92;73 tatic",
          "<base href=x>",
          "<BASE>"})
        EXPECT_TRUE(may(page)) << page;
}

TEST(WordScan, KnowsWhenThereAreNone) {
    for (const char* page : {"", "s", "stati", "STATIC", "<p>100% &amp; more &nbsp; &#233; &#62; \\x %20 %C3%A9</p>",
                             "img_2", "img-", "<bas", "%", "%7", "&#", "&", "\\", "st atic", "stat/ic"})
        EXPECT_FALSE(may(page)) << page;
}

} // namespace
} // namespace mpsup::links
