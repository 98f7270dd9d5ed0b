#include "worker/links/attribute_value.h"

#include "worker/links/character_reference.h"

namespace mpsup::links {

namespace {

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

} // namespace

std::optional<DecodedText> decoded_attribute(std::string_view raw) {
    if (raw.contains(kept_ampersand)) return std::nullopt;
    DecodedText result;
    for (std::size_t at = 0; at < raw.size();) {
        if (raw[at] != '&') {
            result.add(raw[at], at);
            ++at;
        } else if (const auto reference = character_reference(raw.substr(at))) {
            result.add_code_point(reference->code_point, at);
            at += reference->length;
            if (raw[at - 1] != ';') result.leave_open();
        } else {
            result.add(at + 1 < raw.size() && is_letter(raw[at + 1]) ? kept_ampersand : '&', at);
            ++at;
        }
    }
    result.finish(raw.size());
    return result;
}

std::string encoded_attribute(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == kept_ampersand)
            result += '&';
        else if (std::string_view("&\"'<>` \t\n\f\r").contains(c))
            result += "&#" + std::to_string(static_cast<int>(c)) + ";";
        else
            result += c;
    }
    return result;
}

} // namespace mpsup::links
