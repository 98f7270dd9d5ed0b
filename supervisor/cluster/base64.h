// Bytes as text (RFC 4648 section 4): how etcd's gateway carries keys and values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mpsup::cluster {

/// With padding, without line breaks.
[[nodiscard]] std::string to_base64(std::string_view bytes);

/// Nothing for a text that to_base64 does not make: other characters, wrong padding, bits behind the end.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace mpsup::cluster
