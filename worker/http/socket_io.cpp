#include "worker/http/socket_io.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

namespace mpsup::http {

namespace {

IoResult judge(ssize_t count) noexcept {
    if (count > 0) return {IoStatus::progress, static_cast<std::size_t>(count)};
    if (count == 0) return {IoStatus::ended, 0};
    return {errno == EAGAIN || errno == EWOULDBLOCK ? IoStatus::blocked : IoStatus::failed, 0};
}

} // namespace

Accepted accept_connection(int listener) noexcept {
    Accepted accepted;
    do {
        socklen_t size = sizeof accepted.from;
        accepted.socket.reset(
            ::accept4(listener, reinterpret_cast<sockaddr*>(&accepted.from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
        accepted.error = accepted.socket ? 0 : errno;
    } while (accepted.error == EINTR || accepted.error == ECONNABORTED || accepted.error == EPROTO);
    if (accepted.socket && accepted.from.ss_family != AF_UNIX) {
        const int on = 1;
        ::setsockopt(accepted.socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return accepted;
}

void limit_unsent(int socket) noexcept {
    constexpr int most = 256 * 1024;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most); // a unix socket has none
}

bool out_of_resources(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

std::string remote_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET)
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text.data(), text.size());
    else if (address.ss_family == AF_INET6)
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text.data(), text.size());
    return text.data();
}

std::uint16_t port_of(const sockaddr_storage& address) noexcept {
    if (address.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
    return 0;
}

IoResult send_texts(int socket, std::span<const std::string_view> texts, bool more_follows) noexcept {
    std::array<iovec, max_texts> parts; // NOLINT: filled as far as it is used
    std::size_t used = 0;
    for (const std::string_view text : texts.first(std::min(texts.size(), max_texts)))
        if (!text.empty()) parts[used++] = {const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = used;
    ssize_t count = 0;
    do count = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT | (more_follows ? MSG_MORE : 0));
    while (count < 0 && errno == EINTR);
    return judge(count);
}

std::uint64_t unacknowledged(int socket) noexcept {
    int count = 0;
    return ::ioctl(socket, SIOCOUTQ, &count) == 0 && count > 0 ? static_cast<std::uint64_t>(count) : 0;
}

void watch_for_silence(int socket) noexcept {
    constexpr int on = 1;
    constexpr int idle = 5;  // seconds
    constexpr int pause = 1; // between two questions
    constexpr int questions = 3;
    ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &pause, sizeof pause);
    ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &questions, sizeof questions);
    ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

// TCP_USER_TIMEOUT would do the same, and also end connections to who is only slow to read.
bool has_fallen_silent(int socket) noexcept {
    constexpr int most_repeats = 5;        // each after twice the time of the one before: 6 s from 200 ms on
    constexpr unsigned for_answer = 1'000; // ms, to the last of them
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return false;
    return info.tcpi_state != TCP_SYN_SENT && info.tcpi_unacked > 0 && info.tcpi_retransmits >= most_repeats &&
           info.tcpi_last_data_sent >= for_answer;
}

IoResult receive(int socket, std::span<char> space) noexcept {
    ssize_t count = 0;
    do count = ::recv(socket, space.data(), space.size(), MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    return judge(count);
}

IoResult send_file_part(int socket, int file, off_t& offset, std::uint64_t limit) noexcept {
    ssize_t count = 0;
    do count = ::sendfile(socket, file, &offset, limit);
    while (count < 0 && errno == EINTR);
    return judge(count);
}

bool read_part(int file, std::uint64_t offset, std::size_t size, std::string& text) {
    text.resize(size);
    std::size_t used = 0;
    while (used < size) {
        const ssize_t got = ::pread(file, text.data() + used, size - used, static_cast<off_t>(offset + used));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        used += static_cast<std::size_t>(got);
    }
    text.resize(used);
    return used == size;
}

} // namespace mpsup::http
