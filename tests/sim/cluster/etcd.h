// An etcd that does not exist: keys, leases, watches and their history, as one linearizable store. What the network does to its
// answers is the machines' business.
#pragma once

#include "supervisor/cluster/etcd_messages.h"
#include "tests/sim/machine.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace mpsup::sim {

class Etcd {
public:
    using WatchId = int;
    using News = std::shared_ptr<const cluster::WatchNews>;
    using Sink = std::function<void(const News&)>;
    /// What a transaction did: called before its watchers are.
    using Ledger =
        std::function<void(const std::vector<cluster::Change>&, const std::vector<cluster::KeyValue>& before)>;

    explicit Etcd(Clock& clock, std::uint64_t cluster = 7'000'001)
        : clock_(clock), cluster_(cluster), clusters_(cluster), last_lease_(static_cast<cluster::LeaseId>(cluster)) {}

    [[nodiscard]] cluster::EtcdHeader header() const { return {cluster_, revision_}; }
    cluster::TransactionReply apply(const cluster::Transaction& transaction);
    cluster::LeaseId grant(Duration time);
    /// Not: there is no such lease.
    bool keep_alive(cluster::LeaseId lease);
    void revoke(cluster::LeaseId lease);
    /// `sink` gets all that changes from `from` on; at once what has changed since.
    WatchId watch(cluster::Revision from, Sink sink);
    void unwatch(WatchId watch) { watchers_.erase(watch); }

    // Faults
    void compact() { compacted_ = revision_; }
    /// Nothing is answered, no lease ends; after that all leases have their full time. Watches end.
    void stop_for(Duration length);
    [[nodiscard]] bool is_down() const { return clock_.now() < down_until_; }
    /// An old leader revokes a lease that is kept alive.
    void lose_lease(cluster::LeaseId lease) { revoke(lease); }
    /// Everything is gone. `with_its_id`: nobody told it that it is another cluster, as when its folder was deleted.
    void empty(bool with_its_id);
    struct Backup {
        std::map<std::string, cluster::KeyValue> keys;
        std::map<cluster::LeaseId, Duration> leases;
        std::uint64_t cluster = 0;
        cluster::Revision revision = 0;
        Time taken{};
    };
    [[nodiscard]] Backup backup() const;
    /// `with_its_id`: nobody told it that it is another cluster.
    void restore(const Backup& backup, bool with_its_id);

    [[nodiscard]] const std::map<std::string, cluster::KeyValue>& keys() const { return keys_; }
    [[nodiscard]] const cluster::KeyValue* find(const std::string& key) const;
    /// How often it was emptied or restored.
    [[nodiscard]] int generation() const { return generation_; }
    Ledger ledger{};
    std::uint64_t told = 0; // changes that were sent to watchers
    std::uint64_t told_bytes = 0;

private:
    struct Lease {
        Duration time;
        Time ends;
    };
    struct Watcher {
        Sink sink;
    };
    [[nodiscard]] bool holds(const cluster::Unchanged& condition) const;
    [[nodiscard]] cluster::GetReply get(const cluster::Get& get) const;
    void put(const cluster::Put& put, cluster::Revision at, std::vector<cluster::Change>& changes);
    void erase(const cluster::KeyRange& range, cluster::Revision at, std::vector<cluster::Change>& changes);
    void commit(std::vector<cluster::Change> changes);
    void expire(cluster::LeaseId lease);
    void end_watches(const std::string& reason);
    void replace();

    Clock& clock_;
    std::uint64_t cluster_;
    std::uint64_t clusters_; // ids that were given
    cluster::Revision revision_ = 1, compacted_ = 0;
    int generation_ = 0;
    Time down_until_{};
    std::map<std::string, cluster::KeyValue> keys_;
    std::vector<cluster::KeyValue> before_; // of what the transaction in hand changed
    std::map<cluster::LeaseId, Lease> leases_;
    cluster::LeaseId last_lease_;
    std::deque<std::pair<cluster::Revision, std::vector<cluster::Change>>> history_;
    std::map<WatchId, Watcher> watchers_;
    WatchId last_watch_ = 0;
};

} // namespace mpsup::sim
