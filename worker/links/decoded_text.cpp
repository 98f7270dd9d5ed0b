#include "worker/links/decoded_text.h"

#include "worker/http/percent.h"

#include <algorithm>

namespace mpsup::links {

namespace {

constexpr std::uint32_t replacement = 0xfffd;

} // namespace

void DecodedText::add_code_point(std::uint32_t code_point, std::size_t from) {
    if (code_point == 0 || code_point > 0x10ffff || (code_point >= 0xd800 && code_point < 0xe000))
        code_point = replacement;
    if (code_point < 0x80) return add(static_cast<char>(code_point), from);
    const int more = code_point < 0x800 ? 1 : code_point < 0x10000 ? 2 : 3; // octets behind the first
    const std::uint32_t lead = more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0;
    for (int i = more; i >= 0; --i) {
        const std::uint32_t bits = code_point >> (6U * static_cast<unsigned>(i));
        const auto octet = static_cast<char>(i == more ? lead | bits : 0x80U | (bits & 0x3fU));
        for (const char c : http::encode_path({&octet, 1})) add(c, from);
    }
}

Edit DecodedText::raw(Edit edit) const {
    const auto is_within_escape = [this](std::size_t at) {
        return at > 0 && at < text_.size() && from_[at] == from_[at - 1];
    };
    if (std::ranges::binary_search(open_, edit.begin)) edit.text.insert(0, 1, text_[--edit.begin]);
    while (is_within_escape(edit.begin)) edit.text.insert(0, 1, text_[--edit.begin]);
    while (is_within_escape(edit.end)) edit.text += text_[edit.end++];
    return {from_[edit.begin], from_[edit.end], std::move(edit.text)};
}

} // namespace mpsup::links
