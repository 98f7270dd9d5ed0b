#include "worker/accelerator/upstream_address.h"

#include "base/address.h"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/un.h>
#include <utility>

namespace mpsup::accelerator {

namespace {

// The kernel's structures are all copied into the one that has room for any.
template <typename Sockaddr> UpstreamAddress with(std::string_view text, const Sockaddr& address, std::string ip = {}) {
    UpstreamAddress result;
    result.text = text;
    result.size = sizeof address;
    result.ip = std::move(ip);
    std::memcpy(&result.address, &address, sizeof address);
    return result;
}

} // namespace

Result<UpstreamAddress> UpstreamAddress::parse(std::string_view text) {
    if (text.starts_with("unix:")) {
        sockaddr_un path{};
        path.sun_family = AF_UNIX;
        const std::string_view name = text.substr(5);
        if (!name.starts_with('/') || name.size() >= sizeof path.sun_path || name.contains('\0'))
            return failure("not the path of a socket: " + std::string(text));
        name.copy(path.sun_path, name.size());
        return with(text, path);
    }
    const auto address = Address::parse(text);
    if (!address) return failure("not an address with a port: " + std::string(text));
    if (address->is_ipv6()) {
        sockaddr_in6 ip{};
        ip.sin6_family = AF_INET6;
        ip.sin6_port = htons(address->port);
        if (::inet_pton(AF_INET6, address->ip.c_str(), &ip.sin6_addr) == 1) return with(text, ip, address->ip);
    } else {
        sockaddr_in ip{};
        ip.sin_family = AF_INET;
        ip.sin_port = htons(address->port);
        if (::inet_pton(AF_INET, address->ip.c_str(), &ip.sin_addr) == 1) return with(text, ip, address->ip);
    }
    return failure("not an address: " + std::string(text));
}

} // namespace mpsup::accelerator
