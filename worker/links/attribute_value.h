// Values of attributes in HTML: between what stands in the page and what it means.
#pragma once

#include "worker/links/decoded_text.h"

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::links {

/// A '&' that starts a reference whose name we do not know is this in decoded texts, so that it is told from one that was
/// decoded; `encoded_attribute` makes it '&' again. No octet of UTF-8; for CSS a letter.
constexpr char kept_ampersand = '\xff';

/// `raw`: without quotes. Nothing when it holds a `kept_ampersand`.
[[nodiscard]] std::optional<DecodedText> decoded_attribute(std::string_view raw);

/// What may stand in the value of an attribute, whatever its quotes, or without any.
[[nodiscard]] std::string encoded_attribute(std::string_view text);

} // namespace mpsup::links
