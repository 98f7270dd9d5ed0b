#include "supervisor/cluster/cluster_view.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace mpsup::cluster {

namespace {

constexpr std::size_t most_keys = 4 * most_machines; // of one folder

template <typename Record> Known<Record> known(const KeyValue& item) {
    Known<Record> known;
    known.modified = item.modified;
    known.lease = item.lease;
    auto record = decode<Record>(item.value);
    known.is_readable = record.has_value();
    if (record)
        known.value = std::move(*record);
    else
        known.problem = record.error().to_string();
    return known;
}

template <typename Map> void set_in(Map& map, std::string_view name, const KeyValue& item, bool deleted) {
    using Value = typename Map::mapped_type;
    if (deleted) {
        if (const auto found = map.find(name); found != map.end()) map.erase(found);
    } else if (map.size() < most_keys || map.contains(name)) {
        using Record = decltype(Value::value);
        map.insert_or_assign(std::string(name), known<Record>(item));
    }
}

template <typename Record> void set_one(Known<Record>& one, const KeyValue& item, bool deleted) {
    one = deleted ? Known<Record>() : known<Record>(item);
}

} // namespace

bool ClusterView::list(const TransactionReply& reply) {
    if (reply.results.size() != keys_.listing().then.size()) return false;
    Keys keys = keys_;
    std::map<std::uint64_t, TopologyRecord> topologies;
    if (cluster_ == reply.header.cluster && revision_ <= reply.header.revision) topologies.swap(topologies_);
    *this = ClusterView(std::move(keys));
    topologies_.swap(topologies);
    cluster_ = reply.header.cluster;
    revision_ = listed_ = reply.header.revision;
    for (const GetReply& part : reply.results)
        for (const KeyValue& item : part.found) set(item, false);
    return true;
}

// What a listing knows already may come again when a watch is set up anew.
bool ClusterView::apply(const WatchNews& news) {
    if (news.header.cluster != cluster_) return false;
    for (const Change& change : news.changes) {
        if (change.now.modified <= listed_) continue;
        if (change.now.modified < revision_) return false;
        set(change.now, change.deleted);
        revision_ = change.now.modified;
    }
    return true;
}

void ClusterView::set(const KeyValue& item, bool deleted) {
    const auto below = [&](const char* folder) { return keys_.name_below(folder, item.key); };
    if (const auto name = below("machine/"); !name.empty()) return set_in(machines_, name, item, deleted);
    if (const auto name = below("fence/"); !name.empty()) return set_in(fences_, name, item, deleted);
    if (const auto name = below("vip/"); !name.empty()) return set_in(vips_, name, item, deleted);
    if (item.key == keys_.wanted()) return set_one(wanted_, item, deleted);
    if (item.key == keys_.change()) return set_one(change_, item, deleted);
    if (item.key == keys_.store()) return set_one(store_, item, deleted);
    if (item.key == keys_.converging()) return set_one(converging_, item, deleted);
    if (item.key == keys_.orders()) return set_one(orders_, item, deleted);
    if (const auto name = below("topology/"); !name.empty() && !deleted) {
        std::uint64_t number = 0;
        std::from_chars(name.data(), name.data() + name.size(), number);
        auto record = decode<TopologyRecord>(item.value);
        if (record && item.key == keys_.topology(number)) topologies_[number] = std::move(*record);
    }
}

void ClusterView::keep_topologies(std::initializer_list<std::uint64_t> numbers) {
    std::erase_if(topologies_,
                  [&](const auto& each) { return std::ranges::find(numbers, each.first) == numbers.end(); });
}

const Known<VipRecord>& ClusterView::vip(std::string_view address) const {
    static const Known<VipRecord> none;
    const auto found = vips_.find(address);
    return found == vips_.end() ? none : found->second;
}

std::string ClusterView::vip_of(std::string_view machine) const {
    const auto found = std::ranges::find_if(vips_, [&](const auto& vip) { return vip.second->machine == machine; });
    return found == vips_.end() ? std::string() : found->first;
}

const Known<MachineRecord>* ClusterView::machine(std::string_view name) const {
    const auto found = machines_.find(name);
    return found == machines_.end() ? nullptr : &found->second;
}

FenceRecord ClusterView::fence(std::string_view name) const {
    const auto found = fences_.find(name);
    if (found == fences_.end()) return {};
    FenceRecord cautious; // of one that cannot be read
    cautious.cordoned = true;
    return found->second ? found->second.value : cautious;
}

bool ClusterView::can_read_fence(std::string_view name) const {
    const auto found = fences_.find(name);
    return found == fences_.end() || found->second;
}

bool ClusterView::is_converging(std::string_view machine) const {
    return std::ranges::find(converging_.value.machines, machine) != converging_.value.machines.end();
}

const TopologyRecord* ClusterView::topology(std::uint64_t number) const {
    const auto found = topologies_.find(number);
    return found == topologies_.end() ? nullptr : &found->second;
}

Revision ClusterView::modified(std::string_view key) const {
    const auto in = [&](const auto& map, const char* folder) -> Revision {
        const auto found = map.find(keys_.name_below(folder, key));
        return found == map.end() ? 0 : found->second.modified;
    };
    if (key == keys_.wanted()) return wanted_.modified;
    if (key == keys_.change()) return change_.modified;
    if (key == keys_.store()) return store_.modified;
    if (key == keys_.converging()) return converging_.modified;
    if (key == keys_.orders()) return orders_.modified;
    return std::max({in(machines_, "machine/"), in(fences_, "fence/"), in(vips_, "vip/")});
}

} // namespace mpsup::cluster
