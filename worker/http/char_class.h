// Which octets may stand where in a request head, by table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace mpsup::http {

enum CharClass : std::uint8_t {
    token_char = 1,  // tchar, RFC 9110 section 5.6.2
    target_char = 2, // printable ASCII but '#'
    value_char = 4,  // field values: VCHAR, SP, HTAB, obs-text (RFC 9110 section 5.5)
    host_char = 8,   // of a registered name or IPv4 address, stricter than RFC 3986: no sub-delims, no escapes
    path_plain = 16, // stays as it is in an encoded path
    hex_char = 32,
};

[[nodiscard]] constexpr std::array<std::uint8_t, 256> make_char_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (unsigned c = 0; c < 256; ++c) {
        const bool digit = c >= '0' && c <= '9';
        const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const auto among = [c](std::string_view set) { return set.contains(static_cast<char>(c)); };
        std::uint8_t bits = 0;
        if (digit || alpha || (c != 0 && c < 0x80 && among("!#$%&'*+-.^_`|~"))) bits |= token_char;
        if (c > 0x20 && c < 0x7f && c != '#') bits |= target_char;
        if ((c >= 0x20 && c != 0x7f) || c == '\t') bits |= value_char;
        if (digit || alpha || (c != 0 && c < 0x80 && among("-._~"))) bits |= host_char;
        if (digit || alpha || (c != 0 && c < 0x80 && among("-._~/!$&'()*+,;=:@"))) bits |= path_plain;
        if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= hex_char;
        classes[c] = bits;
    }
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> char_classes = make_char_classes();

[[nodiscard]] constexpr bool is(char c, CharClass wanted) noexcept {
    return (char_classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all_are(std::string_view text, CharClass wanted) noexcept {
    std::uint8_t common = wanted;
    for (const char c : text) common &= char_classes[static_cast<unsigned char>(c)];
    return common != 0;
}

/// An ASCII letter as a small one; anything else as it is.
[[nodiscard]] constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

/// The value of a hex digit, -1 for anything else.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

} // namespace mpsup::http
