#include "supervisor/daemon/cluster_topologies.h"

#include "base/joined.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <ranges>
#include <utility>

// GCC 12 inlines Asio's operator new of a coroutine's frame here and not its operator delete, and then finds that they differ.
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace mpsup {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::optional<std::uint64_t> number_in(std::string_view name) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number;
}

std::vector<cluster::PastRecord> past_in(const std::vector<cluster::KeyValue>& found) {
    std::vector<cluster::PastRecord> all;
    for (const cluster::KeyValue& each : found)
        if (auto past = cluster::decode<cluster::PastRecord>(each.value)) all.push_back(std::move(*past));
    std::ranges::sort(all, {}, [](const cluster::PastRecord& past) { return past.outcome.at; });
    return all;
}

json::object object_of(const cluster::PastRecord& past, bool is_over) {
    json::object object{{"kind", cluster::to_string(past.kind)},
                        {"at_ms", past.at.count()},
                        {"workers", json::value_from(past.workers)},
                        {"machines", json::value_from(past.machines)},
                        {"who", past.who},
                        {"from", past.from},
                        {"outcome", is_over ? cluster::to_string(past.outcome.phase) : ""},
                        {"note", joined(past.outcome.reasons, "; ")}};
    const bool goes_back = past.kind == cluster::ChangeRecord::Kind::rollback && past.workers.empty();
    if (goes_back) object["number"] = past.to.number;
    return object;
}

// In the store it is done at once.
json::object object_of(const cluster::PastOrder& order) {
    json::array machines;
    if (!order.machine.empty()) machines.emplace_back(order.machine);
    return {{"kind", order.kind},
            {"at_ms", order.at.count()},
            {"workers", json::array()},
            {"machines", std::move(machines)},
            {"who", order.who},
            {"from", order.from},
            {"outcome", cluster::to_string(cluster::ChangeRecord::Phase::done)},
            {"note", order.note}};
}

} // namespace

asio::awaitable<void> ClusterTopologies::refresh(cluster::EtcdClient& etcd, const cluster::Keys& keys,
                                                 cluster::ClusterStatus status) {
    const bool is_any = status.change || status.wanted; // a store that was accepted has no change
    if (status.state != cluster::ClusterStatus::State::connected || !is_any) co_return;
    std::string now = status.wanted ? std::to_string(status.wanted->now.number) : "";
    if (status.change) now += " " + status.change->id + " " + std::string(cluster::to_string(status.change->phase));
    if (now == seen_) co_return;
    cluster::Transaction ends;
    for (const char* folder : {"outcome/", "past/"})
        ends.then.emplace_back(cluster::Get{cluster::KeyRange::prefix(keys.prefix() + folder)});
    const auto known = co_await etcd.transact(ends);
    if (!known || known->results.size() != 2) co_return;
    const std::vector<cluster::KeyValue>& outcomes = known->results.front().found;
    past_ = past_in(known->results.back().found);
    const std::size_t old = outcomes.size() - std::min(outcomes.size(), cluster::most_earlier);
    for (const cluster::KeyValue& found : outcomes | std::views::drop(old)) { // in their order
        const auto number = number_in(keys.name_below("outcome/", found.key));
        const auto outcome = cluster::decode<cluster::OutcomeRecord>(found.value);
        if (!number || !outcome) continue;
        Applied& applied = applied_[*number];
        applied.outcome = cluster::to_string(outcome->phase);
        applied.note = joined(outcome->reasons, "; ");
    }
    if (status.change && status.change->brings_new_topology()) applied_[status.change->to.number];
    if (status.wanted && status.wanted->now.number > 0) applied_[status.wanted->now.number];
    std::vector<std::uint64_t> unread;
    for (const auto& [number, applied] : applied_)
        if (applied.record.digest.empty()) unread.push_back(number);
    for (const std::uint64_t number : unread) {
        cluster::Get one{.keys = {keys.topology(number), {}}};
        const auto reply = co_await etcd.get(one);
        if (!reply) co_return;
        auto record = reply->found.empty() ? Result<cluster::TopologyRecord>(failure("it is not kept any more"))
                                           : cluster::decode<cluster::TopologyRecord>(reply->found.front().value);
        if (!record) {
            applied_.erase(number);
            continue;
        }
        record->document.clear(); // large, and not shown
        applied_[number].record = std::move(*record);
    }
    while (applied_.size() > cluster::most_earlier) applied_.erase(applied_.begin());
    seen_ = now;
}

std::string ClusterTopologies::json(const cluster::ClusterStatus& status) const {
    const std::optional<cluster::ChangeRecord>& change = status.change;
    std::map<std::uint64_t, Applied> all = applied_;
    if (change && change->brings_new_topology()) {
        Applied& last = all[change->to.number];
        if (last.record.digest.empty())
            last.record = {{}, change->to.digest, {}, change->who, change->from, change->note, change->at};
        if (last.outcome.empty() && change->is_over()) {
            last.outcome = cluster::to_string(change->phase);
            last.note = joined(change->reasons, "; ");
        }
    }
    json::array topologies;
    for (const auto& [number, applied] : all)
        topologies.emplace_back(json::object{{"number", number},
                                             {"at_ms", applied.record.at.count()},
                                             {"digest", applied.record.digest},
                                             {"path", applied.record.path},
                                             {"who", applied.record.who},
                                             {"from", applied.record.from},
                                             {"outcome", applied.outcome},
                                             {"note", applied.note.empty() ? applied.record.note : applied.note}});
    json::array changes;
    for (const cluster::PastRecord& past : past_)
        if (!change || past.outcome.change != change->id) changes.push_back(object_of(past, true));
    if (change && !change->brings_new_topology())
        changes.push_back(object_of(cluster::past_of(*change, change->at), change->is_over()));
    for (const cluster::PastOrder& order : status.orders) changes.push_back(object_of(order));
    return json::serialize(
        json::object{{"version", 1}, {"topologies", std::move(topologies)}, {"changes", std::move(changes)}});
}

} // namespace mpsup
