#include "supervisor/daemon/listeners.h"

#include "base/listener.h"
#include "supervisor/process/port_owner.h"

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

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

// Like an address, a socket file that somebody listens at is not taken away from him.
Result<Fd> open_at(const Endpoint& endpoint, const std::vector<int>& beside, Absent absent) {
    constexpr unsigned for_us = 0600;
    if (endpoint.path.empty()) {
        auto bound = listen_tcp(endpoint.address, beside, absent);
        if (!bound) return std::unexpected(explain(endpoint.address, bound.error()));
        return bound;
    }
    if (is_taken(endpoint.path)) return failure("listen on " + endpoint.path + ": another process listens there");
    return listen_unix(endpoint.path, SOCK_STREAM, for_us);
}

bool overlap(const Endpoint& one, const Endpoint& other) {
    return one.path.empty() && other.path.empty() && one.address.overlaps(other.address);
}

bool covers(const Endpoint& wildcard, const Endpoint& endpoint) {
    return wildcard.path.empty() && wildcard.address.is_any() && overlap(wildcard, endpoint) && wildcard != endpoint;
}

} // namespace

Result<std::vector<Listener>> Listeners::open(const std::vector<Endpoint>& endpoints) {
    std::map<Endpoint, Listener> fresh;
    std::vector<Listener> listeners;
    for (const Endpoint& endpoint : endpoints) {
        if (const auto known = open_.find(endpoint); known != open_.end()) {
            listeners.push_back(known->second);
            continue;
        }
        std::vector<int> beside;
        for (const auto* some : {&std::as_const(open_), &std::as_const(fresh)})
            for (const auto& [other, listener] : *some)
                if (overlap(other, endpoint)) beside.push_back(listener->get());
        const bool comes_and_goes = !absent_.empty() && endpoint.address.ip == absent_;
        auto bound = open_at(endpoint, beside, comes_and_goes ? Absent::allowed : Absent::refused);
        if (!bound) return std::unexpected(bound.error());
        listeners.push_back(fresh[endpoint] = std::make_shared<const Fd>(std::move(*bound)));
    }
    open_.merge(fresh);
    return listeners;
}

std::vector<std::string> Listeners::refusals_of(const std::vector<Endpoint>& endpoints,
                                                const std::string& absent) const {
    std::vector<std::string> refusals;
    for (const Endpoint& endpoint : endpoints) {
        const auto is_near = [&](const auto& entry) {
            return entry.first == endpoint || overlap(entry.first, endpoint);
        };
        if (!endpoint.path.empty() || std::ranges::any_of(open_, is_near)) continue;
        const bool comes_and_goes = !absent.empty() && endpoint.address.ip == absent;
        const auto bound = open_at(endpoint, {}, comes_and_goes ? Absent::allowed : Absent::refused);
        if (!bound) refusals.push_back(bound.error().to_string());
    }
    return refusals;
}

std::vector<Listener> Listeners::covered_by(const std::vector<Endpoint>& endpoints) const {
    std::vector<Listener> covered;
    for (const auto& [endpoint, listener] : open_)
        if (std::ranges::any_of(endpoints, [&](const Endpoint& wide) { return covers(wide, endpoint); }))
            covered.push_back(listener);
    return covered;
}

void Listeners::keep_only(const std::vector<Endpoint>& wanted) {
    std::erase_if(open_, [&](const auto& entry) {
        const Endpoint& endpoint = entry.first;
        if (std::ranges::any_of(wanted,
                                [&](const Endpoint& wide) { return wide == endpoint || covers(wide, endpoint); }))
            return false;
        if (!endpoint.path.empty()) ::unlink(endpoint.path.c_str());
        return true;
    });
}

} // namespace mpsup
