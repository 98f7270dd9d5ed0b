#include "worker/http/byte_ranges.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

using Ranges = std::vector<ByteRange>;

std::optional<Ranges> of_hundred(std::string_view field) { return select_byte_ranges(field, 100); }

TEST(ByteRanges, AreCutAtTheEnd) {
    EXPECT_EQ(of_hundred("bytes=0-9"), (Ranges{{0, 10}}));
    EXPECT_EQ(of_hundred("bytes=90-200"), (Ranges{{90, 10}}));
    EXPECT_EQ(of_hundred("bytes=95-"), (Ranges{{95, 5}}));
    EXPECT_EQ(of_hundred("bytes=-5"), (Ranges{{95, 5}}));
    EXPECT_EQ(of_hundred("bytes=-500"), (Ranges{{0, 100}}));
    EXPECT_EQ(of_hundred("bytes=0-"), (Ranges{{0, 100}})) << "how players ask whether there are ranges";
    EXPECT_EQ(of_hundred("BYTES=99-99"), (Ranges{{99, 1}}));
    EXPECT_EQ(of_hundred("bytes=0-99999999999999999999999"), (Ranges{{0, 100}}));
}

TEST(ByteRanges, ThatAreNoneAreIgnored) {
    for (const char* field :
         {"", "bytes", "bytes=", "bytes=,", "lines=0-9", "bytes=a-b", "bytes=9-0", "bytes=-", "bytes=1", "bytes=1-2-3",
          "bytes=1 - 2", "bytes=+1-2", "bytes=0x1-2", "bytes=0-1,x", "bytes =0-1", "bytes=0-1;1-2", "0-9"})
        EXPECT_EQ(of_hundred(field), std::nullopt) << field;
}

TEST(ByteRanges, ThatAreNotThereAreLeftOut) {
    EXPECT_EQ(of_hundred("bytes=100-"), Ranges{});
    EXPECT_EQ(of_hundred("bytes=-0"), Ranges{});
    EXPECT_EQ(of_hundred("bytes=99999999999999999999999-"), Ranges{});
    EXPECT_EQ(of_hundred("bytes=200-300,-0"), Ranges{});
    EXPECT_EQ(of_hundred("bytes=200-300,1-1"), (Ranges{{1, 1}}));
    EXPECT_EQ(select_byte_ranges("bytes=0-", 0), Ranges{});
    EXPECT_EQ(select_byte_ranges("bytes=-1", 0), Ranges{});
}

TEST(ByteRanges, KeepTheirOrderUnlessTheyOverlap) {
    EXPECT_EQ(of_hundred("bytes=50-59, ,0-9,\t-1"), (Ranges{{50, 10}, {0, 10}, {99, 1}}));
    EXPECT_EQ(of_hundred("bytes=50-59,0-9,5-14"), (Ranges{{0, 15}, {50, 10}}));
    EXPECT_EQ(of_hundred("bytes=0-,0-,0-,0-"), (Ranges{{0, 100}})) << "nothing is sent twice";
}

TEST(ByteRanges, AreSixteenAtMost) {
    std::string field = "bytes=0-0";
    for (int i = 1; i < 16; ++i) field += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
    EXPECT_EQ(of_hundred(field)->size(), 16U);
    EXPECT_EQ(of_hundred(field + ",90-90"), std::nullopt);
    EXPECT_EQ(of_hundred(field + ",200-"), std::nullopt) << "those that are not there count";
}

TEST(ByteRanges, AreNamedInTheReply) {
    EXPECT_EQ(content_range({0, 500}, 1234), "bytes 0-499/1234");
    EXPECT_EQ(unsatisfied_range(1234), "bytes */1234");
}

} // namespace
} // namespace mpsup::http
