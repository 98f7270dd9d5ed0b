// URLs that are whole, and what references become relative to them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::links {

/// An http or https URL without its fragment.
struct AbsoluteUrl {
    std::string scheme = "http";
    std::string host{}; // lower-case; IPv6 in brackets
    std::uint16_t port = 80;
    std::string path = "/"; // without dot segments
    std::string query{};    // with its '?'

    /// The path and the query as a request has them: octets that may not stand there are percent-encoded.
    [[nodiscard]] std::string target() const;
    /// "http://127.0.0.1:8080", without the port that goes with the scheme.
    [[nodiscard]] std::string origin() const;
    [[nodiscard]] std::string text() const { return origin() + target(); }

    friend bool operator==(const AbsoluteUrl&, const AbsoluteUrl&) = default;
};

/// Nothing for what is no such URL.
[[nodiscard]] std::optional<AbsoluteUrl> parse_url(std::string_view text);

/// As browsers resolve it (RFC 3986 section 5.2; url_reference.h). Nothing for other schemes, and for what leads nowhere else: an
/// empty reference, a fragment alone.
[[nodiscard]] std::optional<AbsoluteUrl> resolve(const AbsoluteUrl& base, std::string_view reference);

} // namespace mpsup::links
