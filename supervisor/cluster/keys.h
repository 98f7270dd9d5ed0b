// The names of what the machines of a site share in etcd.
#pragma once

#include "supervisor/cluster/etcd_messages.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mpsup::cluster {

/// Pure. All keys begin with `prefix`, which ends with a slash.
class Keys {
public:
    explicit Keys(std::string prefix) : prefix_(std::move(prefix)) {}

    [[nodiscard]] const std::string& prefix() const { return prefix_; }
    [[nodiscard]] std::string machine(std::string_view name) const { return below("machine/", name); }
    [[nodiscard]] std::string fence(std::string_view name) const { return below("fence/", name); }
    [[nodiscard]] std::string vip(std::string_view address) const { return below("vip/", address); }
    /// Ten digits: by key they are in their order.
    [[nodiscard]] std::string topology(std::uint64_t number) const;
    [[nodiscard]] std::string outcome(std::uint64_t number) const;
    /// Of the change with this serial, in the place of the one that was most_past before it.
    [[nodiscard]] std::string past(std::uint64_t serial) const;
    [[nodiscard]] std::string wanted() const { return prefix_ + "wanted"; }
    [[nodiscard]] std::string change() const { return prefix_ + "change"; }
    [[nodiscard]] std::string store() const { return prefix_ + "store"; }
    [[nodiscard]] std::string converging() const { return prefix_ + "converging"; }
    [[nodiscard]] std::string orders() const { return prefix_ + "orders"; }

    /// What is below `folder` ("machine/"), or nothing: the key is not below it.
    [[nodiscard]] std::string_view name_below(std::string_view folder, std::string_view key) const;
    /// All that a member has to know, at one revision. Topologies are not: they are large, and asked for when needed.
    [[nodiscard]] Transaction listing() const;

private:
    [[nodiscard]] std::string below(std::string_view folder, std::string_view name) const {
        return prefix_ + std::string(folder) + std::string(name);
    }

    std::string prefix_;
};

} // namespace mpsup::cluster
