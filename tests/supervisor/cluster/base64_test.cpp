#include "supervisor/cluster/base64.h"

#include <gtest/gtest.h>
#include <random>

namespace mpsup::cluster {
namespace {

// RFC 4648 section 10.
TEST(Base64, IsThatOfTheStandard) {
    const std::pair<std::string_view, std::string_view> vectors[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
}

TEST(Base64, TakesEveryByteThereAndBack) {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 200; ++size) {
        std::string bytes;
        for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    }
}

TEST(Base64, TakesNothingElse) {
    for (const char* text :
         {"Zg", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v=", "Zm9\n", "Zh==", "Zm9=", "Zm-_", " Zg=", "Zg= "})
        EXPECT_FALSE(from_base64(text)) << text;
}

} // namespace
} // namespace mpsup::cluster
