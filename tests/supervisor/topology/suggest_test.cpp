#include "supervisor/topology/suggest.h"

#include <array>
#include <gtest/gtest.h>

namespace mpsup::topology {
namespace {

constexpr std::array<std::string_view, 5> words{"listen", "root", "serves", "env", "health"};

TEST(EditDistance, CountsInsertionsRemovalsReplacementsAndSwaps) {
    EXPECT_EQ(edit_distance("listen", "listen"), 0);
    EXPECT_EQ(edit_distance("lisen", "listen"), 1);
    EXPECT_EQ(edit_distance("listten", "listen"), 1);
    EXPECT_EQ(edit_distance("listan", "listen"), 1);
    EXPECT_EQ(edit_distance("litsen", "listen"), 1);
    EXPECT_EQ(edit_distance("", "abc"), 3);
    EXPECT_EQ(edit_distance("abc", ""), 3);
    EXPECT_EQ(edit_distance(std::string(1000, 'a'), std::string(1000, 'a')), 0);
}

TEST(Suggestion, NamesTheNearestWord) {
    EXPECT_EQ(did_you_mean("lisen", words), "did you mean `listen`?");
    EXPECT_EQ(did_you_mean("heath", words), "did you mean `health`?");
    EXPECT_EQ(did_you_mean("enc", words), "did you mean `env`?");
}

TEST(Suggestion, IsSilentWhenNothingIsNear) {
    EXPECT_EQ(did_you_mean("banana", words), "");
    EXPECT_EQ(did_you_mean("", words), "");
    EXPECT_EQ(did_you_mean("x", words), "");
    EXPECT_EQ(did_you_mean(std::string(1000, 'l'), words), "");
}

TEST(Ticks, CutLongText) {
    EXPECT_EQ(in_ticks("a"), "`a`");
    EXPECT_EQ(in_ticks(std::string(100, 'a')), "`" + std::string(60, 'a') + "…`");
}

} // namespace
} // namespace mpsup::topology
