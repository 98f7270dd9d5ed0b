// Character references of HTML ("&amp;", "&#47;").
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mpsup::links {

/// What a reference stands for, and how many octets it is written in.
struct CharacterReference {
    std::uint32_t code_point = 0; // maybe none that exists: see DecodedText::add_code_point
    std::size_t length = 0;
};

/// The reference at the start of `text` ('&'), as in the value of an attribute: a number, or a name that stands for an ASCII
/// character. Nothing for other names: they mean nothing to a URL's structure, and whoever copies them need not know them.
[[nodiscard]] std::optional<CharacterReference> character_reference(std::string_view text);

} // namespace mpsup::links
