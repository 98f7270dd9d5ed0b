#include "base/fd_passing.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace mpsup {

Result<> enable_credentials(int socket) {
    const int on = 1;
    if (::setsockopt(socket, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return system_failure("SO_PASSCRED");
    return {};
}

Result<> send_packet(int socket, std::string_view bytes, std::span<const int> fds) {
    if (bytes.empty() || bytes.size() > max_packet_bytes || fds.size() > max_packet_fds)
        return system_failure("send packet", EMSGSIZE);
    iovec data{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_packet_fds * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    ssize_t sent;
    do sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return system_failure("send packet");
    return {};
}

Result<Packet> receive_packet(int socket) {
    Packet packet;
    packet.bytes.resize(max_packet_bytes);
    iovec data{packet.bytes.data(), packet.bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_packet_fds * sizeof(int)) + CMSG_SPACE(sizeof(ucred))> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got;
    do got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0) return system_failure("receive packet");

    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) {
            const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            std::array<int, max_packet_fds> numbers{};
            std::memcpy(numbers.data(), CMSG_DATA(header), count * sizeof(int));
            for (std::size_t i = 0; i < count; ++i) packet.fds.emplace_back(numbers[i]);
        } else if (header->cmsg_type == SCM_CREDENTIALS) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            packet.sender = credentials.pid;
        }
    }
    if (got == 0) return system_failure("receive packet", ECONNRESET);
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return system_failure("receive packet", EMSGSIZE);
    packet.bytes.resize(static_cast<std::size_t>(got));
    return packet;
}

} // namespace mpsup
