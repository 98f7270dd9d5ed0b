#include "tests/sim/cluster/etcd.h"

#include <algorithm>

namespace mpsup::sim {

using cluster::Change;
using cluster::KeyValue;
using cluster::Revision;

namespace {

constexpr std::size_t longest_history = 2'000; // revisions

bool is_in(const cluster::KeyRange& range, const std::string& key) {
    return range.end.empty() ? key == range.first : key >= range.first && key < range.end;
}

} // namespace

const KeyValue* Etcd::find(const std::string& key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? nullptr : &found->second;
}

bool Etcd::holds(const cluster::Unchanged& condition) const {
    const KeyValue* item = find(condition.key);
    return (item ? item->modified : 0) == condition.modified;
}

cluster::GetReply Etcd::get(const cluster::Get& get) const {
    cluster::GetReply reply{header(), {}, false};
    for (auto at = keys_.lower_bound(get.keys.first); at != keys_.end() && is_in(get.keys, at->first); ++at)
        reply.found.push_back(at->second);
    return reply;
}

void Etcd::put(const cluster::Put& put, Revision at, std::vector<Change>& changes) {
    KeyValue& item = keys_[put.key];
    before_.push_back(item);
    item.key = put.key;
    item.value = put.value;
    if (item.created == 0) item.created = at;
    item.modified = at;
    item.lease = put.lease;
    changes.push_back({false, item});
}

void Etcd::erase(const cluster::KeyRange& range, Revision at, std::vector<Change>& changes) {
    for (auto item = keys_.lower_bound(range.first); item != keys_.end() && is_in(range, item->first);) {
        before_.push_back(item->second);
        Change change{true, {}};
        change.now.key = item->first;
        change.now.modified = at;
        changes.push_back(std::move(change));
        item = keys_.erase(item);
    }
}

// A lease that does not exist (any more) makes all of it an error: here without a header.
cluster::TransactionReply Etcd::apply(const cluster::Transaction& transaction) {
    cluster::TransactionReply reply;
    reply.succeeded = std::ranges::all_of(transaction.when, [&](const auto& each) { return holds(each); });
    const auto& operations = reply.succeeded ? transaction.then : transaction.otherwise;
    for (const auto& operation : operations)
        if (const auto* put = std::get_if<cluster::Put>(&operation);
            put && put->lease && !leases_.contains(put->lease)) {
            reply.succeeded = false;
            return reply;
        }
    std::vector<Change> changes;
    const Revision at = revision_ + 1;
    before_.clear();
    for (const auto& operation : operations) {
        cluster::GetReply result;
        if (const auto* get = std::get_if<cluster::Get>(&operation))
            result = this->get(*get);
        else if (const auto* put = std::get_if<cluster::Put>(&operation))
            this->put(*put, at, changes);
        else
            erase(std::get<cluster::Delete>(operation).keys, at, changes);
        reply.results.push_back(std::move(result));
    }
    commit(std::move(changes));
    reply.header = header();
    return reply;
}

void Etcd::commit(std::vector<Change> changes) {
    if (changes.empty()) return;
    ++revision_;
    history_.emplace_back(revision_, changes);
    if (history_.size() > longest_history) {
        compacted_ = std::max(compacted_, history_.front().first);
        history_.pop_front();
    }
    if (ledger) ledger(changes, before_);
    cluster::WatchNews news;
    news.header = header();
    news.changes = std::move(changes);
    std::uint64_t bytes = 0;
    for (const Change& change : news.changes) bytes += change.now.key.size() + change.now.value.size();
    told += watchers_.size() * news.changes.size();
    told_bytes += watchers_.size() * bytes;
    const auto shared = std::make_shared<const cluster::WatchNews>(std::move(news));
    for (auto& [id, watcher] : watchers_) watcher.sink(shared);
}

Etcd::WatchId Etcd::watch(Revision from, Sink sink) {
    const WatchId id = ++last_watch_;
    if (from <= compacted_) {
        cluster::WatchNews news;
        news.header = header();
        news.over = true;
        news.compacted = compacted_;
        news.reason = "the revision was compacted";
        sink(std::make_shared<const cluster::WatchNews>(std::move(news)));
        return id;
    }
    for (const auto& [revision, changes] : history_)
        if (revision >= from)
            sink(std::make_shared<const cluster::WatchNews>(cluster::WatchNews{header(), false, {}, {}, changes}));
    watchers_[id] = {std::move(sink)};
    return id;
}

cluster::LeaseId Etcd::grant(Duration time) {
    const cluster::LeaseId lease = ++last_lease_;
    leases_[lease] = {time, clock_.now() + time};
    expire(lease);
    return lease;
}

bool Etcd::keep_alive(cluster::LeaseId lease) {
    const auto found = leases_.find(lease);
    if (found == leases_.end()) return false;
    found->second.ends = clock_.now() + found->second.time;
    return true;
}

// etcd looks every half second, and not while it is down.
void Etcd::expire(cluster::LeaseId lease) {
    clock_.after(Duration(500), [this, lease] {
        const auto found = leases_.find(lease);
        if (found == leases_.end()) return;
        if (!is_down() && clock_.now() >= found->second.ends) return revoke(lease);
        expire(lease);
    });
}

void Etcd::revoke(cluster::LeaseId lease) {
    if (leases_.erase(lease) == 0) return;
    std::vector<Change> changes;
    std::vector<std::string> gone;
    for (const auto& [key, item] : keys_)
        if (item.lease == lease) gone.push_back(key);
    before_.clear();
    for (const std::string& key : gone) erase({key, {}}, revision_ + 1, changes);
    commit(std::move(changes));
}

void Etcd::end_watches(const std::string& reason) {
    cluster::WatchNews news;
    news.header = header();
    news.over = true;
    news.reason = reason;
    auto watchers = std::exchange(watchers_, {});
    const auto shared = std::make_shared<const cluster::WatchNews>(std::move(news));
    for (auto& [id, watcher] : watchers) watcher.sink(shared);
}

void Etcd::stop_for(Duration length) {
    down_until_ = std::max(down_until_, clock_.now() + length);
    end_watches("it stops");
    for (auto& [id, lease] : leases_) lease.ends = down_until_ + lease.time;
}

void Etcd::replace() {
    end_watches("it stops");
    ++generation_;
    history_.clear();
    leases_.clear();
    down_until_ = std::max(down_until_, clock_.now() + Duration(500));
}

void Etcd::empty(bool with_its_id) {
    replace();
    keys_.clear();
    if (!with_its_id) cluster_ = ++clusters_;
    revision_ = 1;
    compacted_ = 0;
}

Etcd::Backup Etcd::backup() const {
    Backup backup{keys_, {}, cluster_, revision_, clock_.now()};
    for (const auto& [id, lease] : leases_) backup.leases[id] = lease.time;
    return backup;
}

void Etcd::restore(const Backup& backup, bool with_its_id) {
    replace();
    keys_ = backup.keys;
    cluster_ = with_its_id ? backup.cluster : ++clusters_;
    revision_ = backup.revision;
    compacted_ = revision_;
    for (const auto& [id, time] : backup.leases) {
        leases_[id] = {time, down_until_ + time};
        expire(id);
    }
}

} // namespace mpsup::sim
