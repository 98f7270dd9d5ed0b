#include "supervisor/cluster/base64.h"

#include <array>
#include <cstdint>

namespace mpsup::cluster {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 64;

constexpr auto digits = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    for (std::uint8_t i = 0; i < no_digit; ++i) table[static_cast<unsigned char>(alphabet[i])] = i;
    return table;
}();

} // namespace

std::string to_base64(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    while (!bytes.empty()) {
        const std::string_view group = bytes.substr(0, 3);
        bytes.remove_prefix(group.size());
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 3; ++i)
            bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
        for (std::size_t i = 0; i < 4; ++i) text += i <= group.size() ? alphabet[bits >> (18 - 6 * i) & 63U] : '=';
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    while (!text.empty()) {
        const std::string_view group = text.substr(0, 4);
        text.remove_prefix(4);
        std::size_t count = 4; // of digits, the rest is padding
        if (text.empty())
            while (count > 2 && group[count - 1] == '=') --count;
        std::uint32_t bits = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint8_t digit = i < count ? digits[static_cast<unsigned char>(group[i])] : 0;
            if (digit == no_digit) return std::nullopt;
            bits = bits << 6U | digit;
        }
        if ((bits & (0xffffffU >> (8 * (count - 1)))) != 0) return std::nullopt;
        for (std::size_t i = 0; i + 1 < count; ++i) bytes += static_cast<char>(bits >> (16 - 8 * i) & 255U);
    }
    return bytes;
}

} // namespace mpsup::cluster
