// What is known of the keys that the machines of a site share, from a listing and the news that follow it.
#pragma once

#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/records.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace mpsup::cluster {

/// A key as it was seen last.
template <typename Record> struct Known {
    Record value{}; // as it is by default, when there is none that can be read
    bool is_readable = false;
    Revision modified = 0; // 0: it does not exist
    LeaseId lease = 0;
    std::string problem{}; // it exists, and cannot be read

    [[nodiscard]] bool exists() const { return modified != 0; }
    [[nodiscard]] const Record* operator->() const { return &value; }
    explicit operator bool() const { return is_readable; }
};

/// Pure. As of one revision after the other; what comes late changes nothing.
class ClusterView {
public:
    explicit ClusterView(Keys keys) : keys_(std::move(keys)) {}

    /// The answer to Keys::listing: all anew. Not: it is no such answer.
    [[nodiscard]] bool list(const TransactionReply& reply);
    /// Not: it is from before what is known, so the store or its watch went back.
    [[nodiscard]] bool apply(const WatchNews& news);
    /// A topology that was asked for.
    void learn(std::uint64_t number, TopologyRecord record) { topologies_[number] = std::move(record); }
    /// Of those that came by, all but these are forgotten: documents are large.
    void keep_topologies(std::initializer_list<std::uint64_t> numbers);

    [[nodiscard]] const Keys& keys() const { return keys_; }
    [[nodiscard]] std::uint64_t cluster() const { return cluster_; }
    [[nodiscard]] Revision revision() const { return revision_; }

    [[nodiscard]] const std::map<std::string, Known<MachineRecord>, std::less<>>& machines() const { return machines_; }
    [[nodiscard]] const std::map<std::string, Known<FenceRecord>, std::less<>>& fences() const { return fences_; }
    [[nodiscard]] const Known<WantedRecord>& wanted() const { return wanted_; }
    [[nodiscard]] const Known<ChangeRecord>& change() const { return change_; }
    [[nodiscard]] const Known<StoreRecord>& store() const { return store_; }
    [[nodiscard]] const Known<ConvergingRecord>& converging() const { return converging_; }
    [[nodiscard]] const Known<OrdersRecord>& orders() const { return orders_; }
    [[nodiscard]] bool is_converging(std::string_view machine) const;
    [[nodiscard]] const std::map<std::string, Known<VipRecord>, std::less<>>& vips() const { return vips_; }
    [[nodiscard]] const Known<VipRecord>& vip(std::string_view address) const;
    /// The address that a machine has, if it has one; empty: none.
    [[nodiscard]] std::string vip_of(std::string_view machine) const;
    /// Of a machine that lives; one whose record cannot be read lives too. nullptr: it does not.
    [[nodiscard]] const Known<MachineRecord>* machine(std::string_view name) const;
    [[nodiscard]] FenceRecord fence(std::string_view name) const;
    [[nodiscard]] bool can_read_fence(std::string_view name) const;
    [[nodiscard]] const TopologyRecord* topology(std::uint64_t number) const; // nullptr: it did not come by
    /// mod_revision of a key; 0: it does not exist.
    [[nodiscard]] Revision modified(std::string_view key) const;

private:
    void set(const KeyValue& item, bool deleted);

    Keys keys_;
    std::uint64_t cluster_ = 0;
    Revision revision_ = 0, listed_ = 0;
    std::map<std::string, Known<MachineRecord>, std::less<>> machines_;
    std::map<std::string, Known<FenceRecord>, std::less<>> fences_;
    std::map<std::string, Known<VipRecord>, std::less<>> vips_;
    std::map<std::uint64_t, TopologyRecord> topologies_;
    Known<WantedRecord> wanted_;
    Known<ChangeRecord> change_;
    Known<StoreRecord> store_;
    Known<ConvergingRecord> converging_;
    Known<OrdersRecord> orders_;
};

/// Does it leave the machine out of changes?
[[nodiscard]] inline bool passes_by(const FenceRecord& fence) {
    return fence.cordoned || fence.drained || fence.removed;
}

} // namespace mpsup::cluster
