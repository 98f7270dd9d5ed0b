// Dates in HTTP (RFC 9110 section 5.6.7).
#pragma once

#include <array>
#include <ctime>
#include <optional>
#include <string_view>

namespace mpsup::http {

using HttpDate = std::array<char, 29>; // "Sun, 06 Nov 1994 08:49:37 GMT"

[[nodiscard]] HttpDate format_http_date(std::time_t time) noexcept;

/// The date of now, formatted once a second for each thread; good until the next call in the same thread.
[[nodiscard]] std::string_view current_http_date() noexcept;

/// IMF-fixdate and the two obsolete forms; nothing for anything else.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view text) noexcept;

} // namespace mpsup::http
