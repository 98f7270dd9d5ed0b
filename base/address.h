// An address to listen on, as it stands in a topology.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup {

/// An IP address and port. Text form: "127.0.0.1:8080", "[::1]:8080"; names are not resolved.
struct Address {
    std::string ip; // canonical text of inet_ntop(3), without brackets
    std::uint16_t port = 0;

    /// Nothing unless `text` is a numeric IPv4 or bracketed IPv6 address and a port from 1 to 65535.
    [[nodiscard]] static std::optional<Address> parse(std::string_view text);

    [[nodiscard]] bool is_ipv6() const noexcept { return ip.find(':') != std::string::npos; }
    /// 0.0.0.0 or ::
    [[nodiscard]] bool is_any() const noexcept { return ip == "0.0.0.0" || ip == "::"; }
    /// The text form that parse reads.
    [[nodiscard]] std::string to_string() const;
    /// Would binding both fail? The same port, and the same address or one that stands for every address.
    [[nodiscard]] bool overlaps(const Address& other) const noexcept;

    friend auto operator<=>(const Address&, const Address&) = default;
};

} // namespace mpsup
