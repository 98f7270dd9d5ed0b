#include "worker/http/percent.h"

#include <gtest/gtest.h>

namespace mpsup::http {
namespace {

TEST(DecodePath, DecodesOnce) {
    EXPECT_EQ(decode_path("/a%20b%2Fc"), "/a b/c");
    EXPECT_EQ(decode_path("/%2541"), "/%41");
    EXPECT_EQ(decode_path("/caf%C3%a9"), "/caf\xc3\xa9");
    EXPECT_EQ(decode_path(""), "");
}

TEST(DecodePath, RefusesBadEscapesAndNul) {
    for (const char* bad : {"/%", "/%4", "/%4g", "/%g4", "/%%41", "/a%00b", "/% 1"})
        EXPECT_EQ(decode_path(bad), std::nullopt) << bad;
}

TEST(DecodeFilePath, RefusesEncodedSlashesAndParents) {
    for (const char* bad :
         {"/a%2fb", "/a%2Fb", "/a%5cb", "/..", "/../a", "/a/..", "/a/../b", "/%2e%2e/a", "/.%2e/a", ".."})
        EXPECT_EQ(decode_file_path(bad), std::nullopt) << bad;
    EXPECT_EQ(decode_file_path("/a..b/...c"), "/a..b/...c");
    EXPECT_EQ(decode_file_path("/..%c0%af"), "/..\xc0\xaf") << "an odd name, but no way out";
}

TEST(EncodePath, IsUndoneByDecoding) {
    std::string octets;
    for (int c = 1; c < 256; ++c) octets.push_back(static_cast<char>(c));
    const std::string encoded = encode_path(octets);
    EXPECT_EQ(decode_path(encoded), octets);
    for (const char c : encoded) EXPECT_TRUE(c > 0x20 && c < 0x7f && c != '"' && c != '#' && c != '?');
    EXPECT_EQ(encode_path("/a b"), "/a%20b");
}

} // namespace
} // namespace mpsup::http
