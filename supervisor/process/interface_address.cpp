#include "supervisor/process/interface_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>

namespace mpsup {

namespace {

using Bytes = std::vector<std::uint8_t>;

// An IP address; nothing for a socket address of another family.
Bytes bytes_of(const sockaddr* name) {
    const auto copy = [&](const void* from, std::size_t size) {
        Bytes bytes(size);
        std::memcpy(bytes.data(), from, size);
        return bytes;
    };
    if (name && name->sa_family == AF_INET)
        return copy(&reinterpret_cast<const sockaddr_in*>(name)->sin_addr, sizeof(in_addr)); // NOLINT
    if (name && name->sa_family == AF_INET6)
        return copy(&reinterpret_cast<const sockaddr_in6*>(name)->sin6_addr, sizeof(in6_addr)); // NOLINT
    return {};
}

bool same_network(const Bytes& one, const Bytes& other, unsigned prefix) {
    if (one.size() != other.size()) return false;
    for (std::size_t i = 0; i < one.size() && prefix > 0; ++i) {
        const unsigned bits = std::min(prefix, 8U);
        const auto mask = static_cast<std::uint8_t>(0xff00U >> bits);
        if (((one[i] ^ other[i]) & mask) != 0) return false;
        prefix -= bits;
    }
    return true;
}

bool is_hosts(const Bytes& bytes) {
    const bool multicast = bytes.size() == 4 ? bytes[0] >= 224 : bytes[0] == 0xff;
    return !multicast && std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte != 0; });
}

struct FreeList {
    void operator()(ifaddrs* list) const noexcept { ::freeifaddrs(list); }
};

} // namespace

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    InterfaceAddress address{std::string(text.substr(0, slash))};
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const int family = address.is_ipv6() ? AF_INET6 : AF_INET;
    if (::inet_pton(family, address.ip.c_str(), bytes.data()) != 1) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    address.ip = ::inet_ntop(family, bytes.data(), canonical.data(), canonical.size());
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.prefix);
    const bool number = error == std::errc{} && end == digits.data() + digits.size();
    if (!number || address.prefix == 0 || address.prefix > 8 * address.bytes().size()) return std::nullopt;
    return is_hosts(address.bytes()) ? std::optional(address) : std::nullopt;
}

std::vector<std::uint8_t> InterfaceAddress::bytes() const {
    Bytes bytes(is_ipv6() ? sizeof(in6_addr) : sizeof(in_addr));
    ::inet_pton(is_ipv6() ? AF_INET6 : AF_INET, ip.c_str(), bytes.data());
    return bytes;
}

Result<Interface> find_interface(const InterfaceAddress& address, const std::string& name) {
    ifaddrs* first = nullptr;
    if (::getifaddrs(&first) != 0) return system_failure("list the interfaces");
    const std::unique_ptr<ifaddrs, FreeList> list(first);
    Interface found{name};
    const Bytes wanted = address.bytes();
    for (const ifaddrs* entry = first; entry && found.name.empty(); entry = entry->ifa_next)
        if (const Bytes bytes = bytes_of(entry->ifa_addr);
            bytes != wanted && same_network(bytes, wanted, address.prefix))
            found.name = entry->ifa_name;
    if (found.name.empty())
        return failure("no interface of this machine has an address in the network of " + address.ip + "/" +
                       std::to_string(address.prefix));
    found.index = ::if_nametoindex(found.name.c_str());
    if (found.index == 0) return system_failure("interface " + found.name);
    for (const ifaddrs* entry = first; entry; entry = entry->ifa_next) {
        if (entry->ifa_name != found.name || !entry->ifa_addr || entry->ifa_addr->sa_family != AF_PACKET) continue;
        sockaddr_ll link{};
        std::memcpy(&link, entry->ifa_addr, sizeof link);
        if (link.sll_hatype != ARPHRD_ETHER || link.sll_halen != 6) continue;
        std::copy_n(std::begin(link.sll_addr), 6, found.mac.emplace().begin());
    }
    return found;
}

} // namespace mpsup
