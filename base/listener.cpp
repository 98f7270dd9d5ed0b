#include "base/listener.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

namespace mpsup {

namespace {

constexpr int backlog = 4096; // the kernel cuts it to net.core.somaxconn

struct SocketName {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketName ip_name(const Address& address) {
    SocketName name;
    if (address.is_ipv6()) {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(address.port);
        ::inet_pton(AF_INET6, address.ip.c_str(), &in.sin6_addr);
        std::memcpy(&name.storage, &in, sizeof in);
        name.size = sizeof in;
    } else {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(address.port);
        ::inet_pton(AF_INET, address.ip.c_str(), &in.sin_addr);
        std::memcpy(&name.storage, &in, sizeof in);
        name.size = sizeof in;
    }
    return name;
}

Result<SocketName> unix_name(const std::string& path) {
    sockaddr_un un{};
    if (path.size() >= sizeof un.sun_path) return system_failure("socket path " + path, ENAMETOOLONG);
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path.data(), path.size());
    SocketName name;
    std::memcpy(&name.storage, &un, sizeof un);
    name.size = sizeof un;
    return name;
}

// While it lives the port can be bound once more, by whoever has this user's id.
class SharedPort {
public:
    SharedPort(std::span<const int> others, int one, const Address& address)
        : sockets_(others.begin(), others.end()), address_(address) {
        if (!sockets_.empty()) sockets_.push_back(one);
        set(1);
    }
    ~SharedPort() {
        set(0);
        if (!sockets_.empty()) close_port();
    }
    SharedPort(const SharedPort&) = delete;
    SharedPort& operator=(const SharedPort&) = delete;

private:
    void set(int on) const { // should it fail, bind() says so
        for (const int socket : sockets_) (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }

    // The kernel keeps in mind that this port is shared, whatever its sockets say, until one is bound to it that
    // shares nothing
    // (tb->fastreuseport, net/ipv4/inet_connection_sock.c). One of the other family is in nobody's way.
    void close_port() const {
        const Address other{address_.is_ipv6() ? "127.0.0.1" : "::1", address_.port};
        const Fd socket(::socket(other.is_ipv6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const int on = 1;
        if (other.is_ipv6()) (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        const auto name = ip_name(other);
        (void)::bind(socket.get(), name.get(), name.size); // in use: then it stays open to others of this user
    }
    std::vector<int> sockets_;
    Address address_;
};

bool allow_absent(int socket, int family) {
    const int on = 1;
    if (family == AF_INET6) return ::setsockopt(socket, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) == 0;
    return ::setsockopt(socket, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) == 0;
}

} // namespace

Result<Fd> listen_tcp(const Address& address, std::span<const int> beside, Absent absent) {
    const std::string what = "listen on " + address.to_string();
    const int family = address.is_ipv6() ? AF_INET6 : AF_INET;
    Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return system_failure(what);
    const int on = 1;
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return system_failure(what);
    if (family == AF_INET6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return system_failure(what);
    if (absent == Absent::allowed && !allow_absent(fd.get(), family)) return system_failure(what);
    const SharedPort shared(beside, fd.get(), address);
    const auto name = ip_name(address);
    if (::bind(fd.get(), name.get(), name.size) != 0) return system_failure(what);
    if (::listen(fd.get(), backlog) != 0) return system_failure(what);
    return fd;
}

Result<Fd> listen_unix(const std::string& path, int type, unsigned mode) {
    const std::string what = "listen on " + path;
    const auto name = unix_name(path);
    if (!name) return std::unexpected(name.error());
    Fd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return system_failure(what);
    ::unlink(path.c_str());
    if (::bind(fd.get(), name->get(), name->size) != 0) return system_failure(what);
    if (::chmod(path.c_str(), mode) != 0) return system_failure(what);
    if (::listen(fd.get(), backlog) != 0) return system_failure(what);
    return fd;
}

Result<Fd> connect_unix(const std::string& path, int type, int flags) {
    const std::string what = "connect to " + path;
    const auto name = unix_name(path);
    if (!name) return std::unexpected(name.error());
    Fd fd(::socket(AF_UNIX, type | flags | SOCK_CLOEXEC, 0));
    if (!fd) return system_failure(what);
    if (::connect(fd.get(), name->get(), name->size) != 0) return system_failure(what);
    return fd;
}

bool is_listening(int fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

bool is_taken(const std::string& path) { return connect_unix(path, SOCK_STREAM, SOCK_NONBLOCK).has_value(); }

namespace {

// Where a stream socket listens; false for any other descriptor.
bool listening_name(int fd, sockaddr_storage& name, socklen_t& size) {
    int type = 0;
    socklen_t type_size = sizeof type;
    if (!is_listening(fd) || ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0 || type != SOCK_STREAM)
        return false;
    size = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0;
}

} // namespace

std::optional<std::string> listening_path(int fd) {
    sockaddr_storage name{};
    socklen_t size = 0;
    if (!listening_name(fd, name, size) || name.ss_family != AF_UNIX) return std::nullopt;
    const auto* un = reinterpret_cast<const sockaddr_un*>(&name);
    const std::size_t room = std::min<std::size_t>(size, sizeof *un) - offsetof(sockaddr_un, sun_path);
    const std::string path(un->sun_path, ::strnlen(un->sun_path, room));
    return path.starts_with('/') ? std::optional(path) : std::nullopt;
}

std::optional<Address> listening_address(int fd) {
    sockaddr_storage name{};
    socklen_t size = 0;
    if (!listening_name(fd, name, size)) return std::nullopt;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (name.ss_family == AF_INET) {
        const auto* ipv4 = reinterpret_cast<const sockaddr_in*>(&name);
        ::inet_ntop(AF_INET, &ipv4->sin_addr, text.data(), text.size());
        return Address{text.data(), ntohs(ipv4->sin_port)};
    }
    if (name.ss_family != AF_INET6) return std::nullopt;
    const auto* ipv6 = reinterpret_cast<const sockaddr_in6*>(&name);
    ::inet_ntop(AF_INET6, &ipv6->sin6_addr, text.data(), text.size());
    return Address{text.data(), ntohs(ipv6->sin6_port)};
}

} // namespace mpsup
