// A block of IP addresses.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::contract {

/// An IPv4 address is held as the IPv6 address ::ffff:a.b.c.d, so that a mapped one is the same.
class Cidr {
public:
    using Bytes = std::array<std::uint8_t, 16>;

    /// "10.0.0.0/8", "2001:db8::/32", or an address alone. Nothing for anything else, bits behind the length included.
    [[nodiscard]] static std::optional<Cidr> parse(std::string_view text);
    /// The bytes of a numeric address, without brackets or a zone; nothing for anything else.
    [[nodiscard]] static std::optional<Bytes> parse_ip(std::string_view ip);

    [[nodiscard]] bool contains(const Bytes& address) const noexcept;
    /// Of a numeric address; false for anything else.
    [[nodiscard]] bool contains(std::string_view ip) const;

    /// As it was written.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    friend bool operator==(const Cidr&, const Cidr&) = default;

private:
    std::string text_;
    Bytes address_{};
    int bits_ = 128;
};

} // namespace mpsup::contract
