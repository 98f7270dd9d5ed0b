#include "worker/static/compression.h"

#include "tests/worker/static/decompress.h"

#include <gtest/gtest.h>
#include <random>

namespace mpsup::static_files {
namespace {

using namespace std::chrono_literals;

std::string text_of(std::size_t size) {
    std::string text;
    for (int i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + " of a style sheet { color: red }\n";
    text.resize(size);
    return text;
}

TEST(Compression, GivesBackTheSameTextWhenItIsUndone) {
    for (const std::size_t size : {least_compressed, std::size_t{20'000}, most_compressed})
        for (const Coding coding : codings)
            for (const Effort effort : {Effort::low, Effort::high}) {
                const std::string text = text_of(size);
                const auto coded = compress(coding, effort, text);
                ASSERT_TRUE(coded) << coding_name(coding) << ' ' << size;
                EXPECT_LT(coded->size(), size);
                EXPECT_EQ(decompress(coding, *coded), text) << coding_name(coding) << ' ' << size;
            }
}

TEST(Compression, GivesTheSameBytesForTheSameText) {
    for (const Coding coding : codings)
        EXPECT_EQ(compress(coding, Effort::low, text_of(5000)), compress(coding, Effort::low, text_of(5000)));
}

TEST(Compression, LeavesAloneWhatDoesNotShrink) {
    std::mt19937_64 random(1);
    std::string noise(4096, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    for (const Coding coding : codings) {
        EXPECT_FALSE(compress(coding, Effort::low, noise));
        EXPECT_FALSE(compress(coding, Effort::low, ""));
        EXPECT_FALSE(compress(coding, Effort::low, std::string(most_compressed + 1, 'x'))) << "too large";
    }
    EXPECT_FALSE(compress(Coding::identity, Effort::low, text_of(5000)));
}

TEST(Compression, IsForText) {
    for (const char* type : {"text/css; charset=utf-8", "text/html", "application/json", "image/svg+xml",
                             "application/ld+json", "application/wasm", "application/xml"})
        EXPECT_TRUE(is_compressible(type)) << type;
    for (const char* type : {"image/png", "video/mp4", "application/zip", "application/octet-stream", "font/woff2", ""})
        EXPECT_FALSE(is_compressible(type)) << type;
}

TEST(CompressionBudget, IsAFifthOfTheTime) {
    CompressionBudget budget;
    auto now = CompressionBudget::Time(100s);
    EXPECT_TRUE(budget.allows(now));
    budget.spent(199ms);
    EXPECT_TRUE(budget.allows(now)) << "so much at once";
    budget.spent(101ms);
    EXPECT_FALSE(budget.allows(now));
    EXPECT_FALSE(budget.allows(now + 499ms)) << "100 ms too much take 500 ms";
    EXPECT_TRUE(budget.allows(now + 501ms));
    EXPECT_TRUE(budget.allows(now + 1h));
    budget.spent(201ms);
    EXPECT_FALSE(budget.allows(now + 1h)) << "an hour of rest saves up no more than that";
    EXPECT_FALSE(budget.allows(now)) << "a clock that goes back gives nothing";
}

} // namespace
} // namespace mpsup::static_files
