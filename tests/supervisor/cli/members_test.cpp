#include "supervisor/cli/members.h"

#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

TEST(Members, AreReadAsWhatTheyShouldBe) {
    const auto document = parse_object(
        R"({"text": "a\u001bb", "number": 7, "on": true, "inner": {"text": "x"}, "list": [{"number": 1}, "y", 2, {"number": 3}]})");
    EXPECT_EQ(text_at(document, "text"), "a\x1b"
                                         "b");
    EXPECT_EQ(printable_at(document, "text"), "a?b");
    EXPECT_EQ(number_at(document, "number"), 7);
    EXPECT_TRUE(is_true(document, "on"));
    EXPECT_EQ(text_at(object_at(document, "inner"), "text"), "x");
    const auto objects = objects_at(document, "list");
    ASSERT_EQ(objects.size(), 2U);
    EXPECT_EQ(number_at(objects[1], "number"), 3);
    EXPECT_EQ(texts_at(document, "list"), std::vector<std::string>{"y"});
}

TEST(Members, ThatAreMissingOrOfAnotherKindAreNothing) {
    for (const char* text : {"", "nonsense", "[1]", "{}", R"({"m": null})", R"({"m": 1.5})"}) {
        const auto document = parse_object(text);
        EXPECT_EQ(text_at(document, "m"), "") << text;
        EXPECT_EQ(number_at(document, "m"), 0) << text;
        EXPECT_FALSE(is_true(document, "m")) << text;
        EXPECT_TRUE(object_at(document, "m").empty()) << text;
        EXPECT_TRUE(objects_at(document, "m").empty()) << text;
        EXPECT_TRUE(texts_at(document, "m").empty()) << text;
    }
}

} // namespace
} // namespace mpsup::cli
