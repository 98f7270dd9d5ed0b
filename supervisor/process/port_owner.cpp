#include "supervisor/process/port_owner.h"

#include "base/fd.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <unistd.h>

namespace mpsup {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view listening = "0A"; // TCP_LISTEN in /proc/net/tcp (proc(5))

// The inode of the socket that listens on this port, in one of /proc/net/tcp and tcp6. Addresses are not compared:
// whatever listens there on any address is worth naming.
std::optional<std::string> find_inode(const char* table, std::uint16_t port) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line); // headings
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
        fields >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
        if (state != listening) continue;
        const auto colon = local.rfind(':');
        unsigned found = 0;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), found, 16);
        if (colon != std::string::npos && found == port) return inode;
    }
    return std::nullopt;
}

bool holds_socket(const fs::path& process, const std::string& socket) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(process / "fd", error))
        if (fs::read_symlink(entry.path(), error).string() == socket) return true;
    return false;
}

} // namespace

std::string describe_port_owner(const Address& address) {
    auto inode = find_inode(address.is_ipv6() ? "/proc/net/tcp6" : "/proc/net/tcp", address.port);
    if (!inode) inode = find_inode("/proc/net/tcp6", address.port);
    if (!inode) return {};
    const std::string socket = "socket:[" + *inode + "]";
    std::error_code error;
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const std::string pid = entry.path().filename();
        if (pid.find_first_not_of("0123456789") != std::string::npos || !holds_socket(entry.path(), socket)) continue;
        auto name = read_file(entry.path().string() + "/comm", 64);
        if (name && name->ends_with('\n')) name->pop_back();
        return "held by " + name.value_or("a process") + " (pid " + pid + ")";
    }
    return "held by a process that this user may not see";
}

} // namespace mpsup
