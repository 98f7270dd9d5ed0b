// A member, and a store that does at once what it is told.
#pragma once

#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/member.h"
#include "tests/supervisor/cluster/listed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mpsup::cluster {

using namespace std::chrono_literals;
using Phase = ChangeRecord::Phase;

inline const Keys keys("/mpsup/shop/");

inline TopologyFacts facts_of(std::initializer_list<const char*> machines) {
    TopologyFacts facts;
    for (const char* machine : machines) facts.machines.push_back({machine, false, {}, {"shop"}});
    return facts;
}

class MemberFixture : public testing::Test {
protected:
    void SetUp() override { items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{local.runs, {}}), 40, 40, 0}; }
    static Identity identity(std::string instance = "i1") {
        return {keys.prefix(), "app1", std::move(instance), "boot", "1.0", "10.9.0.2", "10.9.0.2:7117"};
    }
    void start(Memory memory = {}, std::string instance = "i1") {
        member = std::make_unique<Member>(identity(std::move(instance)), std::move(memory));
        member->on_local(local, now);
        member->on_facts(local.runs.digest, facts_of({"app1", "web1"}), now);
        member->on_lease(lease, now.boot + lease_time, now);
        list();
    }
    void list() {
        member->on_listed(listed(member->listing(), items, {cluster, revision}), now);
        run();
    }
    /// Somebody else writes; an empty value: deletes.
    void write(const std::string& key, const std::string& value, LeaseId with = 9) {
        WatchNews news;
        news.header = {cluster, ++revision};
        news.changes.push_back({value.empty(), {key, value, revision, revision, with}});
        if (value.empty())
            items.erase(key);
        else
            items[key] = news.changes.back().now;
        member->on_news(news, now);
        run();
    }
    /// Effects until there are none; what is written is done and told.
    void run() {
        for (Effects effects = member->take_effects(); !effects.empty(); effects = member->take_effects())
            for (Effect& effect : effects) {
                done.push_back(effect);
                if (const auto* submit = std::get_if<Submit>(&effect); submit && is_store_up) do_it(*submit);
            }
    }
    void do_it(const Submit& submit) {
        TransactionReply reply{{cluster, revision}, true, {}};
        for (const Unchanged& each : submit.transaction.when) {
            const auto item = items.find(each.key);
            reply.succeeded = reply.succeeded && (item == items.end() ? 0 : item->second.modified) == each.modified;
        }
        WatchNews news{{cluster, revision + 1}, false, {}, {}, {}};
        for (const Operation& operation : submit.transaction.then) {
            if (const auto* get = std::get_if<Get>(&operation)) {
                GetReply part;
                if (items.contains(get->keys.first)) part.found.push_back(items.at(get->keys.first));
                reply.results.push_back(part);
            } else if (const auto* put = std::get_if<Put>(&operation); put && reply.succeeded) {
                items[put->key] = {put->key, put->value, revision + 1, revision + 1, put->lease};
                news.changes.push_back({false, items[put->key]});
            } else if (const auto* gone = std::get_if<Delete>(&operation); gone && reply.succeeded) {
                const auto from = items.lower_bound(gone->keys.first);
                const auto to =
                    gone->keys.end.empty() ? items.upper_bound(gone->keys.first) : items.lower_bound(gone->keys.end);
                for (auto item = from; item != to; item = items.erase(item))
                    news.changes.push_back({true, {item->first, {}, revision + 1, revision + 1, 0}});
            }
        }
        if (!news.changes.empty()) reply.header.revision = ++revision;
        member->on_answer(submit.request, reply, now);
        if (!news.changes.empty()) member->on_news(news, now);
    }
    void pass(Duration time) {
        now.boot += time;
        now.wall += time;
        member->on_lease(lease, now.boot + lease_time, now);
        run();
    }
    template <typename Kind> std::vector<Kind> take() {
        std::vector<Kind> found;
        for (const Effect& effect : done)
            if (const auto* one = std::get_if<Kind>(&effect)) found.push_back(*one);
        done.clear();
        return found;
    }
    /// As far as this machine knows they can be brought up.
    void accept(const std::vector<Check>& checks) {
        for (const Check& check : checks)
            member->on_checked({check.change, check.to, true, {}, facts_of({"app1", "web1"})}, now);
        run();
    }
    /// What whoever asked was told last.
    std::optional<Tell> answer() {
        const auto told = take<Tell>();
        return told.empty() ? std::nullopt : std::optional(told.back());
    }
    void order(Order order) {
        member->ask({++asks, std::move(order), "root", "app1", {}}, now);
        run();
    }
    MachineRecord own() const { return decode<MachineRecord>(items.at(keys.machine("app1")).value).value(); }
    ChangeRecord change() const { return decode<ChangeRecord>(items.at(keys.change()).value).value(); }
    std::vector<PastOrder> orders() const { return decode<OrdersRecord>(items.at(keys.orders()).value).value().past; }
    static std::string other(Version runs, const std::string& boot = "boot2", const std::string& address = "10.9.0.1") {
        MachineRecord record{"i9", boot, "1.0", address};
        record.runs = std::move(runs);
        record.well = true;
        return encode(record);
    }
    void web1_is_there() { write(keys.machine("web1"), other(local.runs)); }
    /// To something else than what runs here; no other may at the same time.
    void start_while_web1_converges() {
        items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{5, "d5"}, {}}), 40, 40, 0};
        items[keys.topology(5)] = {keys.topology(5), encode(TopologyRecord{"{5}", "d5", "/etc/shop.yaml"}), 40, 40, 0};
        items[keys.machine("web1")] = {keys.machine("web1"), other(local.runs), 40, 40, 9};
        items[keys.converging()] = {keys.converging(), encode(ConvergingRecord{{"web1"}}), 40, 40, 0};
        start();
        member->on_checked({{}, {5, "d5"}, true, {}, facts_of({"app1", "web1"})}, now);
        run();
    }
    /// Of a change that this machine leads, with the other one absent.
    void write_alone_until_granted() {
        start();
        order(up());
        const auto checks = take<Check>();
        ASSERT_EQ(checks.size(), 1U);
        accept(checks);
        pass(1s);
        ASSERT_EQ(change().phase, Phase::rolling);
        ASSERT_EQ(member->status(now).change->part_of("app1")->state, Part::State::granted);
    }
    static UpOrder up() { return {"{}", "d2", "/etc/shop.yaml", facts_of({"app1", "web1"}), false}; }

    Moment now{Time(1'000s), WallTime(1'700'000'000'000)};
    std::uint64_t cluster = 7;
    Revision revision = 50;
    LeaseId lease = 3;
    bool is_store_up = true;
    std::map<std::string, KeyValue> items;
    LocalReport local{{1, "d1"}, true, {{"shop", "running", 8, 8}}, {}, false};
    std::unique_ptr<Member> member;
    std::vector<Effect> done;
    AskId asks = 0;
};

} // namespace mpsup::cluster
