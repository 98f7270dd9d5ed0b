#include "supervisor/control/peer_door.h"

#include <arpa/inet.h>
#include <array>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace mpsup {

namespace {

std::string ip_of_client(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    const void* binary = nullptr;
    if (address.ss_family == AF_INET) binary = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
    if (address.ss_family == AF_INET6) binary = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (!binary || !::inet_ntop(address.ss_family, binary, text.data(), text.size())) return {};
    return text.data();
}

// Sockets that are accepted have the options of the one that listens (tcp(7)).
void find_the_dead(int listener) {
    constexpr int on = 1, idle_s = 15, interval_s = 5, probes = 4;
    (void)::setsockopt(listener, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)::setsockopt(listener, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)::setsockopt(listener, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)::setsockopt(listener, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

} // namespace

ControlDoor peer_door(Fd listener, std::function<bool(const std::string& ip)> is_machine) {
    find_the_dead(listener.get());
    return {std::move(listener),
            [is_machine = std::move(is_machine)](int socket) {
                const std::string ip = ip_of_client(socket);
                return !ip.empty() && is_machine(ip);
            },
            true};
}

} // namespace mpsup
