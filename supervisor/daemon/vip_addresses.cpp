#include "supervisor/daemon/vip_addresses.h"

#include "supervisor/daemon/history.h"

#include <utility>

namespace mpsup {

bool VipAddresses::hold(const std::string& address, std::optional<cluster::Time> until) {
    return until ? take(address, *until) : drop(address);
}

bool VipAddresses::take(const std::string& address, cluster::Time until) {
    HeldAddress* held = open(address);
    if (!held) return false;
    const bool was_held = held->holds();
    if (const auto set = held->hold_until(until.time_since_epoch()); !set) {
        complain(address, set.error().to_string());
        if (!was_held) held_.erase(address); // its interface may be another one the next time
        return was_held;
    }
    if (!was_held) {
        complaints_.erase(address);
        log_line("info", address + " is this machine's now, on " + held->interface().name);
    }
    tell(address, *held);
    return true;
}

bool VipAddresses::drop(const std::string& address) {
    HeldAddress* held = open(address);
    if (!held) return true;
    const bool was_held = held->holds();
    const auto dropped = held->drop();
    if (!dropped) complain(address, dropped.error().to_string());
    if (dropped && was_held) log_line("info", address + " is not this machine's any more");
    if (dropped || !was_held) held_.erase(address);
    return !dropped;
}

HeldAddress* VipAddresses::open(const std::string& address) {
    if (const auto known = held_.find(address); known != held_.end()) return &known->second;
    auto parsed = InterfaceAddress::parse(address);
    if (!parsed) {
        complain(address, "is no address with the length of its network");
        return nullptr;
    }
    auto opened = HeldAddress::open(std::move(*parsed));
    if (opened) return &held_.emplace(address, std::move(*opened)).first->second;
    complain(address, opened.error().to_string());
    return nullptr;
}

void VipAddresses::look() {
    std::erase_if(held_, [](const auto& entry) {
        const bool is_over = !entry.second.holds();
        if (is_over) log_line("warning", entry.first + " is given up: the lease was not renewed in time");
        return is_over;
    });
    for (auto& [address, held] : held_) tell(address, held);
}

void VipAddresses::drop_all() { held_.clear(); }

void VipAddresses::tell(const std::string& address, HeldAddress& held) {
    if (const auto told = held.tell(); !told) complain(address, told.error().to_string());
}

void VipAddresses::complain(const std::string& address, const std::string& why) {
    std::string& last = complaints_[address];
    if (std::exchange(last, why) != why) log_line("error", "address " + address + ": " + why);
}

} // namespace mpsup
