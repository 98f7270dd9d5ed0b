#include "supervisor/daemon/obstacles.h"

#include "supervisor/process/interface_address.h"
#include "supervisor/topology/local_files.h"
#include "supervisor/topology/placement.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ifaddrs.h>
#include <linux/capability.h>
#include <memory>
#include <netinet/in.h>
#include <set>
#include <sys/syscall.h>
#include <unistd.h>

namespace mpsup {

namespace {

using topology::WorkerSpec;

std::string text_of(const sockaddr* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const void* bytes = nullptr;
    if (address && address->sa_family == AF_INET)
        bytes = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr; // NOLINT: how sockaddr is read
    if (address && address->sa_family == AF_INET6)
        bytes = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr; // NOLINT
    return bytes && ::inet_ntop(address->sa_family, bytes, text.data(), text.size()) ? std::string(text.data()) : "";
}

// Nothing when the kernel does not say: then binding will.
std::set<std::string> own_addresses() {
    std::set<std::string> own;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return own;
    const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
    for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) own.insert(text_of(entry->ifa_addr));
    return own;
}

bool may_have_vip(const topology::Topology& share) {
    return !share.vip.ip.empty() && std::ranges::find(share.vip.on, share.here) != share.vip.on.end();
}

// Else it would be found out when the address is needed here.
bool has_network_of(const topology::Vip& vip) {
    const auto address = InterfaceAddress::parse(vip.text());
    return address && find_interface(*address);
}

// Of this thread (capabilities(7)); yes when the kernel does not say.
bool may_set_addresses() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) return true;
    return (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

} // namespace

std::vector<std::string> obstacles_to(const topology::Topology& share, const std::string& borrowed) {
    const std::set<std::string> own = own_addresses();
    // Every address of 127/8 is the machine's (RFC 1122, 3.2.1.3), though it is no interface's.
    const auto is_own = [&](const std::string& ip) {
        return ip.empty() || own.empty() || ip == borrowed || own.contains(ip) || topology::is_loopback({ip, 0});
    };
    std::vector<std::string> found;
    const topology::Machine* machine = topology::find_machine(share, share.here);
    if (machine && !is_own(machine->ip))
        found.push_back("machines." + machine->name + ".address: this machine does not have " + machine->ip);
    for (const WorkerSpec& worker : share.workers)
        for (const Address& address : worker.listen)
            if (!address.is_any() && !is_own(address.ip) &&
                !(machine && address.ip == machine->ip)) // which is said once
                found.push_back("workers." + worker.name + ".listen: this machine does not have " +
                                address.to_string());
    if (!own.empty() && may_have_vip(share) && !has_network_of(share.vip))
        found.push_back(
            "vip: no interface of this machine has another address in the network of " + share.vip.text() +
            ", so it cannot be here: mend its length, give this machine an address there, or leave it out of `vip.on`");
    for (std::string& missing : topology::missing_files(share)) found.push_back(std::move(missing));
    return found;
}

std::string doubt_about_vip(const topology::Topology& share) {
    if (!may_have_vip(share) || may_set_addresses()) return {};
    return "vip: this supervisor has no CAP_NET_ADMIN, so it cannot set " + share.vip.text() +
           " (root has it; systemd: AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW)";
}

} // namespace mpsup
