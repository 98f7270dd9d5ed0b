#include "worker/contract/certificate_check.h"

#include <gtest/gtest.h>

namespace mpsup::contract {
namespace {

TEST(Verdicts, AreReadAsTheyWereWritten) {
    const std::vector<PairVerdict> verdicts{
        {}, {"the key is another's", "make a new one", true, false}, {"expired", "", false, true}};
    const auto read = decode_verdicts(encode_verdicts(verdicts));
    ASSERT_TRUE(read) << read.error().to_string();
    EXPECT_EQ(*read, verdicts);
}

TEST(Verdicts, OfSomethingElseAreRefused) {
    for (const char* bad : {"", "null", "[]", R"({"verdicts":{}})", R"({"verdicts":[{"problem":1}]})",
                            R"({"verdicts":[{"cure":"x"}]})", R"({"verdicts":[]} x)"})
        EXPECT_FALSE(decode_verdicts(bad)) << bad;
}

} // namespace
} // namespace mpsup::contract
