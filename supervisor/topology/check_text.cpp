#include "supervisor/topology/check_text.h"

namespace mpsup {

namespace {

// Bytes of the UTF-8 sequence that begins here, 0 when there is none (overlong forms and surrogates included).
std::size_t sequence_length(const unsigned char* at, const unsigned char* end) {
    const unsigned char first = *at;
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || static_cast<std::size_t>(end - at) < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((at[i] & 0xc0) != 0x80) return 0;
    const unsigned char second = at[1];
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || outside ? 0 : length;
}

bool is_forbidden(unsigned char c) { return (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f; }

} // namespace

Problems check_text(const std::string& text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    const auto* const end = at + text.size();
    int line = 1;
    int column = 1;
    while (at != end) {
        const std::size_t length = sequence_length(at, end);
        if (length == 0) return {{line, column, "this is not UTF-8", "save the file as UTF-8"}};
        if (is_forbidden(*at))
            return {{line, column, "control character " + std::to_string(*at) + " in the file", "remove it"}};
        if (*at == '\n') {
            ++line;
            column = 1;
        } else {
            ++column;
        }
        at += length;
    }
    return {};
}

} // namespace mpsup
