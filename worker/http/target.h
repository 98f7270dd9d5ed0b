// Request targets and authorities (RFC 9112 section 3.2).
#pragma once

#include <optional>
#include <string_view>

namespace mpsup::http {

/// The parts of a target; views into the text that was split, or to constants.
struct Target {
    std::string_view path; // "/…" or "*"
    std::string_view query;
    std::string_view authority; // of the absolute form
    bool has_query = false;
    bool absolute = false;
};

/// Splits the origin form ("/p?q"), the absolute form ("http://host/p?q") and "*". Nothing for the authority form, for
/// octets that do not belong (see RequestParser), for another scheme or a bad authority. An absolute form without a path
/// means "/", with OPTIONS "*" (`is_options`). "*" for other methods is refused.
[[nodiscard]] std::optional<Target> split_target(std::string_view text, bool is_options);

/// host[:port] with a name, an IPv4 address or a bracketed IPv6 address, and a port of 1 to 65535 when there is a colon.
[[nodiscard]] bool is_valid_authority(std::string_view text);

} // namespace mpsup::http
