#include "supervisor/daemon/obstacles.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <ifaddrs.h>
#include <memory>
#include <netinet/in.h>
#include <set>
#include <sys/stat.h>
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

// Every address of 127/8 is the machine's (RFC 1122, 3.2.1.3), though it is no interface's.
bool is_loopback(const std::string& ip) { return ip.starts_with("127."); }

class Obstacles {
public:
    explicit Obstacles(const std::string& borrowed) : borrowed_(borrowed) {}

    void look_at(const WorkerSpec& worker) {
        for (const Address& address : worker.listen) {
            const bool comes_and_goes = !borrowed_.empty() && address.ip == borrowed_;
            if (comes_and_goes || address.is_any() || is_loopback(address.ip) || own_.empty()) continue;
            if (!own_.contains(address.ip))
                add(worker, "listens on " + address.to_string() + ", an address that this machine does not have");
        }
        folder(worker, "root", worker.root);
        folder(worker, "root", worker.front->own.alias);
        folder(worker, "cgi", worker.cgi.dir);
        for (const topology::RouteSpec& route : worker.front->routes) {
            folder(worker, "the root of a route", route.root);
            folder(worker, "the alias of a route", route.alias);
        }
        if (!worker.app.empty() && ::access(worker.app.c_str(), R_OK) != 0)
            add(worker, "its app " + worker.app + " cannot be read: " + reason());
    }

    [[nodiscard]] std::vector<std::string> take() { return std::move(found_); }

private:
    static std::string reason() { return std::error_code(errno, std::system_category()).message(); }

    void folder(const WorkerSpec& worker, const char* what, const std::string& path) {
        struct stat status{};
        if (path.empty()) return;
        if (::stat(path.c_str(), &status) != 0) return add(worker, std::string(what) + " " + path + ": " + reason());
        if (!S_ISDIR(status.st_mode)) add(worker, std::string(what) + " " + path + " is no folder");
    }

    void add(const WorkerSpec& worker, const std::string& what) { found_.push_back(worker.name + ": " + what); }

    const std::string& borrowed_;
    std::set<std::string> own_ = own_addresses();
    std::vector<std::string> found_;
};

} // namespace

std::vector<std::string> obstacles_to(const topology::Topology& topology, const std::string& borrowed) {
    Obstacles obstacles(borrowed);
    for (const WorkerSpec& worker : topology.workers) obstacles.look_at(worker);
    return obstacles.take();
}

} // namespace mpsup
