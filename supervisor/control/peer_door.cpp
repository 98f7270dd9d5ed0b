#include "supervisor/control/peer_door.h"

#include <arpa/inet.h>
#include <array>
#include <memory>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace mpsup {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds patience{5}; // with a handshake

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

asio::awaitable<bool> meet(const PeerTrust& trust, const PeerGuests& guests, Channel& channel) {
    const std::string ip = ip_of_client(channel.socket());
    auto session = trust.answer(ip, guests.has_certificate);
    Result<> met;
    if (session)
        met = co_await channel.secure(std::move(*session), Channel::Clock::now() + patience);
    else
        met = std::unexpected(session.error());
    if (!met) guests.on_refused("a supervisor at " + ip + " that asks was refused: " + met.error().to_string());
    co_return met.has_value();
}

} // namespace

ControlDoor peer_door(Fd listener, const PeerTrust& trust, PeerGuests guests) {
    find_the_dead(listener.get());
    const auto who = std::make_shared<const PeerGuests>(std::move(guests));
    return {.listener = std::move(listener),
            .admits =
                [who](int socket) {
                    const std::string ip = ip_of_client(socket);
                    return !ip.empty() && who->has_address(ip);
                },
            .meet = [who, &trust](Channel& channel) { return meet(trust, *who, channel); },
            .only_reads = true};
}

} // namespace mpsup
