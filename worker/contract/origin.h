// What clients call a server: the beginning of its URLs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::contract {

/// An origin (RFC 6454) of the web.
struct Origin {
    std::string scheme = "http"; // "http" or "https"
    std::string host{};          // a name or an address, lower-case; IPv6 in brackets
    std::uint16_t port = 80;

    /// "https://www.example.org", "http://[::1]:8080", in any case. Nothing for another scheme, a user, a path (not even "/"), a
    /// query, a port that is none, and a host that is neither a name of letters, digits, '-' and '_' in labels with dots
    /// between nor a numeric address.
    [[nodiscard]] static std::optional<Origin> parse(std::string_view text);

    /// "http://www.example.org:8080", without the port that goes with the scheme.
    [[nodiscard]] std::string text() const;

    /// The same at the host of `authority` ("www.example.org:8081", as a request has it); unchanged when that is none.
    [[nodiscard]] Origin at_host_of(std::string_view authority) const;

    friend bool operator==(const Origin&, const Origin&) = default;
};

/// The port that a URL of this scheme means when it names none.
[[nodiscard]] std::uint16_t usual_port(std::string_view scheme) noexcept;

} // namespace mpsup::contract
