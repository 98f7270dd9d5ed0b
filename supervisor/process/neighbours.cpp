#include "supervisor/process/neighbours.h"

#include "base/fd.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <sys/socket.h>

namespace mpsup {

namespace {

using Mac = std::array<std::uint8_t, 6>;

// Sender and target are the same; the hardware address of the target is left 0.
ether_arp announcement(const Mac& mac, const InterfaceAddress& address) {
    ether_arp packet{};
    packet.arp_hrd = htons(ARPHRD_ETHER);
    packet.arp_pro = htons(ETHERTYPE_IP);
    packet.arp_hln = sizeof packet.arp_sha;
    packet.arp_pln = sizeof packet.arp_spa;
    packet.arp_op = htons(ARPOP_REQUEST);
    std::ranges::copy(mac, std::begin(packet.arp_sha));
    std::ranges::copy(address.bytes(), std::begin(packet.arp_spa));
    std::ranges::copy(address.bytes(), std::begin(packet.arp_tpa));
    return packet;
}

Result<> send_arp(const Mac& mac, unsigned interface, const InterfaceAddress& address, const std::string& what) {
    const Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_failure(what);
    sockaddr_ll everybody{};
    everybody.sll_family = AF_PACKET;
    everybody.sll_protocol = htons(ETHERTYPE_ARP);
    everybody.sll_ifindex = static_cast<int>(interface);
    everybody.sll_halen = ETH_ALEN;
    std::fill_n(std::begin(everybody.sll_addr), ETH_ALEN, 0xff);
    const ether_arp packet = announcement(mac, address);
    const auto* name = reinterpret_cast<const sockaddr*>(&everybody);
    if (::sendto(socket.get(), &packet, sizeof packet, 0, name, sizeof everybody) < 0) return system_failure(what);
    return {};
}

struct Advertisement {
    nd_neighbor_advert head;
    nd_opt_hdr option;
    Mac mac;
};

// The kernel fills in the checksum (RFC 3542 section 3.1).
Result<> send_advertisement(const Mac& mac, unsigned interface, const InterfaceAddress& address,
                            const std::string& what) {
    const Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    if (!socket) return system_failure(what);
    const int hops = 255, index = static_cast<int>(interface);
    if (::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) != 0 ||
        ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) != 0)
        return system_failure(what);
    Advertisement packet{};
    packet.head.nd_na_type = ND_NEIGHBOR_ADVERT;
    packet.head.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
    std::memcpy(&packet.head.nd_na_target, address.bytes().data(), sizeof packet.head.nd_na_target);
    packet.option = {ND_OPT_TARGET_LINKADDR, 1}; // in units of 8 bytes
    packet.mac = mac;
    sockaddr_in6 all_nodes{};
    all_nodes.sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, "ff02::1", &all_nodes.sin6_addr);
    all_nodes.sin6_scope_id = interface;
    const auto* name = reinterpret_cast<const sockaddr*>(&all_nodes);
    if (::sendto(socket.get(), &packet, sizeof packet, 0, name, sizeof all_nodes) < 0) return system_failure(what);
    return {};
}

} // namespace

Result<> tell_neighbours(const Interface& interface, const InterfaceAddress& address) {
    if (!interface.mac) return {};
    const std::string what = "tell the neighbours on " + interface.name + " of " + address.ip;
    const auto send = address.is_ipv6() ? send_advertisement : send_arp;
    return send(*interface.mac, interface.index, address, what);
}

} // namespace mpsup
