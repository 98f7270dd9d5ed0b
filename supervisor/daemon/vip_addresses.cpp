#include "supervisor/daemon/vip_addresses.h"

#include "supervisor/daemon/history.h"

#include <utility>

namespace mpsup {

void VipAddresses::hold(const std::string& address, std::optional<cluster::Time> until) {
    if (!until) {
        held_.erase(address); // its owner gives it back
        return;
    }
    Held* held = open(address);
    if (!held) return;
    const bool was_held = held->address.holds();
    const auto set = held->address.hold_until(until->time_since_epoch());
    held->until = *until;
    if (!set) complain(address, set.error().to_string());
    if (!held->address.holds()) return;
    if (set) complaints_.erase(address);
    if (!was_held) log_line("info", address + " is this machine's now, on " + held->address.interface().name);
}

VipAddresses::Held* VipAddresses::open(const std::string& address) {
    if (const auto known = held_.find(address); known != held_.end()) return &known->second;
    auto parsed = InterfaceAddress::parse(address);
    if (!parsed) {
        complain(address, "is no address with the length of its network");
        return nullptr;
    }
    auto opened = HeldAddress::open(std::move(*parsed));
    if (opened) return &held_.emplace(address, Held{std::move(*opened), {}}).first->second;
    complain(address, opened.error().to_string());
    return nullptr;
}

void VipAddresses::look(cluster::Time now) {
    std::erase_if(held_, [&](const auto& entry) {
        const bool is_over = now >= entry.second.until;
        if (is_over) log_line("warning", entry.first + " is given up: the lease was not renewed in time");
        return is_over;
    });
}

void VipAddresses::drop_all() { held_.clear(); }

void VipAddresses::complain(const std::string& address, const std::string& why) {
    std::string& last = complaints_[address];
    if (std::exchange(last, why) != why) log_line("error", "address " + address + ": " + why);
}

} // namespace mpsup
