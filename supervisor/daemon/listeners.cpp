#include "supervisor/daemon/listeners.h"

#include "base/listener.h"
#include "supervisor/process/port_owner.h"

#include <algorithm>
#include <cerrno>

namespace mpsup {

namespace {

Error explain(const Address& address, const Error& error) {
    if (error.code.value() == EADDRINUSE) {
        const std::string owner = describe_port_owner(address);
        return {error.what + ": the port is in use" + (owner.empty() ? "" : ", " + owner), {}};
    }
    if (error.code.value() == EADDRNOTAVAIL) return {error.what + ": this machine has no address " + address.ip, {}};
    if (error.code.value() == EACCES) return {error.what + ": ports below 1024 need root or CAP_NET_BIND_SERVICE", {}};
    return error;
}

} // namespace

Result<std::vector<Listener>> Listeners::open(const std::vector<Address>& addresses) {
    std::map<Address, Listener> fresh;
    std::vector<Listener> listeners;
    for (const Address& address : addresses) {
        if (const auto known = open_.find(address); known != open_.end()) {
            listeners.push_back(known->second);
            continue;
        }
        auto bound = listen_tcp(address);
        if (!bound) return std::unexpected(explain(address, bound.error()));
        listeners.push_back(fresh[address] = std::make_shared<const Fd>(std::move(*bound)));
    }
    open_.merge(fresh);
    return listeners;
}

void Listeners::keep_only(const std::vector<Address>& wanted) {
    std::erase_if(open_, [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
}

} // namespace mpsup
