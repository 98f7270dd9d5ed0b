#include "supervisor/topology/source_text.h"

#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

std::string verdict(std::string_view text) {
    const auto finding = check_text(text);
    if (!finding) return "text";
    return std::to_string(finding->mark.line) + ":" + std::to_string(finding->mark.column) + " " + finding->message;
}

TEST(SourceText, TakesEveryWellFormedCharacter) {
    EXPECT_EQ(verdict("a\u00a0\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\r\n x\ty\n"), "text");
}

TEST(SourceText, RefusesWhatIsNotUtf8) { // RFC 3629 section 4
    for (const std::string_view bad :
         {"\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82", "\xf0\x8f\xbf\xbf",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1", "\xf0\x9f\x92\x28"})
        EXPECT_EQ(verdict("ab\nx" + std::string(bad)), "2:2 not valid UTF-8");
}

TEST(SourceText, RefusesControlCharacters) {
    EXPECT_EQ(verdict("a\x1b"), "1:2 a control character");
    EXPECT_EQ(verdict("a\x7f"), "1:2 a control character");
    EXPECT_EQ(verdict(std::string_view("a\0", 2)), "1:2 a NUL byte; is this a text file?");
    EXPECT_EQ(verdict("a\rb"), "1:2 a carriage return that ends no line");
    EXPECT_EQ(verdict("a\r"), "1:2 a carriage return that ends no line");
    EXPECT_EQ(verdict("a\n  \tb"), "2:3 a tab in the indentation; use spaces");
    EXPECT_EQ(verdict("a\tb"), "text");
}

TEST(SourceText, RefusesNothing) {
    EXPECT_EQ(verdict(""), "0:0 the file is empty");
    EXPECT_EQ(verdict(" \r\n\n"), "0:0 the file is empty");
}

TEST(Problems, ComeInTheOrderOfTheFileWithTheirLines) {
    const auto problems =
        to_problems({{{3, 2}, "", "third"}, {{1, 1}, "", "first"}, {{9, 9}, "", "beyond"}, {{}, "", "whole"}},
                    {{"f", "/", "one\r\ntwo\nthree"}});
    ASSERT_EQ(problems.size(), 4U);
    EXPECT_EQ(problems[0], (Problem{"f", 0, 0, "whole", "", ""}));
    EXPECT_EQ(problems[1], (Problem{"f", 1, 1, "first", "one", ""}));
    EXPECT_EQ(problems[2], (Problem{"f", 3, 2, "third", "three", ""}));
    EXPECT_EQ(problems[3], (Problem{"f", 9, 1, "beyond", "", ""}));
}

TEST(Problems, PointWithACaretThatFollowsTabs) {
    EXPECT_EQ(format_problems({{"f", 1, 4, "m", "ä\tbc", ""}}), "f:1:4: error: m\n    ä\tbc\n     \t ^\n");
    EXPECT_EQ(format_problems({{"f", 0, 0, "m", "", "try"}}), "f: error: m\n    try\n");
}

} // namespace
} // namespace mpsup::topology
