#include "supervisor/cli/table.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace mpsup::cli {
namespace {

Table with_a_long_end() {
    Table table({"WORKER", "WHY"});
    table.add({"perl", std::string(200, 'x')});
    return table;
}

TEST(TableTest, IsCutWhereThePageEnds) {
    const std::string text = with_a_long_end().to_string(40);
    EXPECT_EQ(text, "WORKER  WHY\nperl    " + std::string(31, 'x') + "+\n");
}

TEST(TableTest, IsWholeWhereThereIsNoPage) {
    EXPECT_NE(with_a_long_end().to_string(endless).find(std::string(200, 'x') + "\n"), std::string::npos);
}

TEST(TableTest, CutsNoCharacterInTwo) {
    Table table({"A", "B"});
    table.add({"1", "aaaaa\u00e4\u00e4\u00e4"});
    EXPECT_EQ(table.to_string(10), "A  B\n1  aaaaa+\n") << "the sixth byte is half a letter";
}

TEST(PageWidthTest, IsEndlessIntoAPipeUnlessColumnsSaysOtherwise) {
    const auto pipe = make_pipe().value();
    ::unsetenv("COLUMNS");
    EXPECT_EQ(page_width(pipe.write.get()), endless);
    ::setenv("COLUMNS", "132", 1);
    EXPECT_EQ(page_width(pipe.write.get()), 132U);
    ::setenv("COLUMNS", "wide", 1);
    EXPECT_EQ(page_width(pipe.write.get()), endless);
    ::unsetenv("COLUMNS");
}

} // namespace
} // namespace mpsup::cli
