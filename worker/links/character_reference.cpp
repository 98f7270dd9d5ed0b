#include "worker/links/character_reference.h"

#include "worker/http/char_class.h"

#include <algorithm>
#include <array>
#include <utility>

namespace mpsup::links {

namespace {

// All names of HTML for one ASCII character.
constexpr std::pair<std::string_view, char> names[] = {{"amp", '&'},          {"AMP", '&'},
                                                       {"lt", '<'},           {"LT", '<'},
                                                       {"gt", '>'},           {"GT", '>'},
                                                       {"quot", '"'},         {"QUOT", '"'},
                                                       {"apos", '\''},        {"Tab", '\t'},
                                                       {"NewLine", '\n'},     {"excl", '!'},
                                                       {"num", '#'},          {"dollar", '$'},
                                                       {"percnt", '%'},       {"lpar", '('},
                                                       {"rpar", ')'},         {"ast", '*'},
                                                       {"midast", '*'},       {"plus", '+'},
                                                       {"comma", ','},        {"period", '.'},
                                                       {"sol", '/'},          {"colon", ':'},
                                                       {"semi", ';'},         {"equals", '='},
                                                       {"quest", '?'},        {"commat", '@'},
                                                       {"lsqb", '['},         {"lbrack", '['},
                                                       {"bsol", '\\'},        {"rsqb", ']'},
                                                       {"rbrack", ']'},       {"Hat", '^'},
                                                       {"lowbar", '_'},       {"UnderBar", '_'},
                                                       {"grave", '`'},        {"DiacriticalGrave", '`'},
                                                       {"lcub", '{'},         {"lbrace", '{'},
                                                       {"verbar", '|'},       {"vert", '|'},
                                                       {"VerticalLine", '|'}, {"rcub", '}'},
                                                       {"rbrace", '}'}};
constexpr std::size_t without_semicolon = 8; // the first ones: a semicolon may be missing

// 0x80 to 0x9f mean what they mean in windows-1252.
constexpr std::array<std::uint16_t, 32> windows_1252 = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                                        0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
                                                        0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                                        0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<CharacterReference> numeric(std::string_view text) {
    std::size_t at = 2;
    const bool is_hex = at < text.size() && (text[at] == 'x' || text[at] == 'X');
    if (is_hex) ++at;
    const std::size_t first = at;
    const std::uint32_t base = is_hex ? 16 : 10;
    std::uint32_t value = 0;
    for (; at < text.size(); ++at) {
        const int digit = http::hex_value(text[at]);
        if (digit < 0 || static_cast<std::uint32_t>(digit) >= base) break;
        value = std::min(value * base + static_cast<std::uint32_t>(digit), 0x110000U);
    }
    if (at == first) return std::nullopt;
    if (at < text.size() && text[at] == ';') ++at;
    if (value >= 0x80 && value < 0xa0) value = windows_1252[value - 0x80];
    return CharacterReference{value, at};
}

} // namespace

std::optional<CharacterReference> character_reference(std::string_view text) {
    if (text.size() > 1 && text[1] == '#') return numeric(text);
    std::size_t end = 1;
    while (end < text.size() && is_alphanumeric(text[end])) ++end;
    const auto* known = std::ranges::find(names, text.substr(1, end - 1), &std::pair<std::string_view, char>::first);
    if (known == std::end(names)) return std::nullopt;
    const auto code_point = static_cast<std::uint32_t>(known->second);
    if (end < text.size() && text[end] == ';') return CharacterReference{code_point, end + 1};
    // "&lt=" in a query is a parameter.
    const bool is_whole = known - std::begin(names) < static_cast<std::ptrdiff_t>(without_semicolon) &&
                          (end == text.size() || text[end] != '=');
    return is_whole ? std::optional(CharacterReference{code_point, end}) : std::nullopt;
}

} // namespace mpsup::links
