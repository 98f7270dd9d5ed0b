// An address of an interface, and the interface that it belongs to.
#pragma once

#include "base/error.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup {

struct InterfaceAddress {
    std::string ip;      // canonical text of inet_ntop(3)
    unsigned prefix = 0; // length of its network in bits

    /// "10.9.0.100/24", "fd00::1/64"; nothing for anything else. A host's: neither 0.0.0.0 nor a multicast address.
    [[nodiscard]] static std::optional<InterfaceAddress> parse(std::string_view text);

    [[nodiscard]] bool is_ipv6() const noexcept { return ip.contains(':'); }
    /// Of inet_pton(3): 4 or 16.
    [[nodiscard]] std::vector<std::uint8_t> bytes() const;
    friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Interface {
    std::string name;
    unsigned index = 0;                               // netdevice(7)
    std::optional<std::array<std::uint8_t, 6>> mac{}; // of Ethernet only
};

/// The interface of that name; without a name the one that has another address of this network.
[[nodiscard]] Result<Interface> find_interface(const InterfaceAddress& address, const std::string& name = {});

} // namespace mpsup
