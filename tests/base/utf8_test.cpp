#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace mpsup {
namespace {

std::string encoded(char32_t c) {
    const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
    if (c < 0x80) return {byte(c)};
    const char last = byte(0x80 | (c & 0x3F));
    if (c < 0x800) return {byte(0xC0 | (c >> 6U)), last};
    const char before = byte(0x80 | (c >> 6U & 0x3F));
    if (c < 0x10000) return {byte(0xE0 | (c >> 12U)), before, last};
    return {byte(0xF0 | (c >> 18U)), byte(0x80 | (c >> 12U & 0x3F)), before, last};
}

TEST(Utf8, CharactersAreThoseOfUnicodeButSurrogates) {
    for (char32_t c = 0; c < 0x200000; ++c) {
        const std::string text = encoded(c);
        const bool is_none = (c >= 0xD800 && c <= 0xDFFF) || c > 0x10FFFF;
        ASSERT_EQ(utf8_character(text + "x"), is_none ? 0 : text.size()) << std::hex << static_cast<unsigned>(c);
    }
}

TEST(Utf8, WhatIsCutOrLongerThanItNeedBeIsNone) {
    for (const std::string_view text : {"", "\x80", "\xbf", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff", "\xfe\x80"})
        EXPECT_EQ(utf8_character(text), 0U);
    for (const std::string_view text :
         {"\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x88\x80\x80\x80"})
        EXPECT_EQ(utf8_character(text), 0U);
    for (const std::string_view text : {"\xc3(", "\xe2(\xa1", "\xe2\x82(", "\xf0\x9f\x98(", "\xf0\x9f(\x80"})
        EXPECT_EQ(utf8_character(text), 0U);
}

} // namespace
} // namespace mpsup
