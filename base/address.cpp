#include "base/address.h"

#include <arpa/inet.h>
#include <array>
#include <charconv>

namespace mpsup {

std::optional<Address> Address::parse(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
    const auto digits = text.substr(colon + 1);
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port < 1 || port > 65535) return std::nullopt;

    auto host = text.substr(0, colon);
    int family = AF_INET;
    if (host.starts_with('[') && host.ends_with(']')) {
        family = AF_INET6;
        host = host.substr(1, host.size() - 2);
    }
    std::array<unsigned char, sizeof(in6_addr)> binary{};
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    if (::inet_pton(family, std::string(host).c_str(), binary.data()) != 1) return std::nullopt;
    if (!::inet_ntop(family, binary.data(), canonical.data(), canonical.size())) return std::nullopt;
    return Address{canonical.data(), static_cast<std::uint16_t>(port)};
}

std::string Address::to_string() const { return (is_ipv6() ? "[" + ip + "]" : ip) + ":" + std::to_string(port); }

bool Address::overlaps(const Address& other) const noexcept {
    if (port != other.port) return false;
    if (ip == other.ip) return true;
    // A listener on :: takes IPv4 too unless IPV6_V6ONLY is set, and ours set it (listener.h).
    return is_ipv6() == other.is_ipv6() && (is_any() || other.is_any());
}

} // namespace mpsup
