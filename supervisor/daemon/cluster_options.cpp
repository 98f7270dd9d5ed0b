#include "supervisor/daemon/cluster_options.h"

#include "base/fd.h"

#include <array>
#include <memory>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace mpsup {

std::vector<std::string> ClusterOptions::to_arguments() const {
    std::vector<std::string> words;
    const auto add = [&](const char* option, const std::string& value) {
        if (value.empty()) return;
        words.emplace_back(option);
        words.push_back(value);
    };
    add("--machine", machine);
    for (const std::string& endpoint : endpoints) add("--cluster", endpoint);
    add("--cluster-user", user);
    add("--cluster-password-file", password_file);
    add("--cluster-prefix", prefix);
    add("--cluster-ca", ca);
    add("--cluster-cert", certificate);
    add("--cluster-key", key);
    add("--peer", peer);
    add("--peer-ca", peer_ca);
    add("--peer-cert", peer_certificate);
    add("--peer-key", peer_key);
    return words;
}

std::vector<std::string> keys_open_to_others(const ClusterOptions& options) {
    std::vector<std::string> open;
    const auto look = [&](const std::string& option, const std::string& path) {
        struct stat status{};
        if (path.empty() || ::stat(path.c_str(), &status) != 0) return; // what cannot be read is said where it is used
        if ((status.st_mode & S_IRWXO) != 0) open.push_back(option + ": others may reach " + path + "; chmod o-rwx it");
    };
    look("--cluster-key", options.key);
    look("--peer-key", options.peer_key);
    return open;
}

std::optional<std::string> own_address_towards(const std::string& host) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM; // connect(2) of such a socket sends nothing
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), "2379", &hints, &found) != 0) return std::nullopt;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    for (const addrinfo* entry = found; entry; entry = entry->ai_next) {
        const Fd socket(::socket(entry->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        sockaddr_storage own{};
        socklen_t size = sizeof own;
        auto* address = reinterpret_cast<sockaddr*>(&own); // NOLINT: how sockaddr is read
        if (!socket || ::connect(socket.get(), entry->ai_addr, entry->ai_addrlen) != 0 ||
            ::getsockname(socket.get(), address, &size) != 0)
            continue;
        std::array<char, NI_MAXHOST> text{};
        if (::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) == 0) return text.data();
    }
    return std::nullopt;
}

} // namespace mpsup
