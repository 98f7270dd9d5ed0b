#include "supervisor/daemon/api_words.h"

#include <gtest/gtest.h>

namespace mpsup {
namespace {

using Texts = std::vector<std::string>;

TEST(ApiWordsTest, ListsOfTextsLeaveOutWhatIsNone) {
    EXPECT_EQ(texts_in(R"({"workers":["a",1,null,"b"]})", "workers"), (Texts{"a", "b"}));
    for (const char* body : {"", "{", "[]", "7", R"({"workers":"a"})", R"({"others":["a"]})"})
        EXPECT_EQ(texts_in(body, "workers"), Texts{}) << body;
}

TEST(ApiWordsTest, OnlyTrueIsAFlag) {
    EXPECT_TRUE(has_flag(R"({"fast":true})", "fast"));
    for (const char* body : {"", "[true]", R"({"fast":false})", R"({"fast":1})", R"({"fast":"true"})", "{}"})
        EXPECT_FALSE(has_flag(body, "fast")) << body;
}

TEST(ApiWordsTest, UpNeedsADocumentAndItsPath) {
    const auto request = up_request_in(R"({"document":"{}","path":"/etc/shop.yaml"})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->document, "{}");
    EXPECT_EQ(request->path, "/etc/shop.yaml");
    for (const char* body : {"", R"({"document":"{}"})", R"({"path":"x"})", R"({"document":{},"path":"x"})"})
        EXPECT_FALSE(up_request_in(body)) << body;
}

TEST(ApiWordsTest, AnswersEndWithACodeAndASentence) {
    EXPECT_EQ(result_line({7, "taken back"}), R"({"type":"result","code":7,"text":"taken back"})");
}

TEST(ApiWordsTest, ProgressNamesTheProcessItIsAbout) {
    EXPECT_EQ(progress_line("loading"), R"({"type":"progress","text":"loading"})");
    EXPECT_EQ(
        progress_line({"app", 4, 12, "ready"}),
        R"({"type":"progress","text":"app generation 4, child 12: ready","worker":"app","generation":4,"pid":12,"stage":"ready"})");
}

} // namespace
} // namespace mpsup
