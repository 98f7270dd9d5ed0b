// Machines that share a store, and an address that one of them may have.
#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/member.h"
#include "supervisor/cluster/vip_holder.h"
#include "tests/supervisor/cluster/listed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;

const Keys keys("/mpsup/shop/");
const std::string address = "10.9.0.100/24";
const Version first{1, "d1"}, without{2, "d2"};

// Time goes in steps; whatever a machine writes is done and heard by all that can hear it before the next.
class VipTest : public testing::Test {
protected:
    struct Machine {
        std::string name{};
        int processes = 0;
        std::unique_ptr<Member> member{}; // none: it is off
        LocalReport local{first, true, {}, {}, false};
        Memory memory{};
        LeaseId lease = 0;
        Time renewed{};
        bool is_cut = false;
        bool keeps_addresses = false; // its kernel, though told to take them away
        bool takes_none = false;
        std::optional<Time> has_until{};
        bool hears_late = false; // what the store says, until hear()
        std::vector<std::function<void()>> unheard{};
    };

    void SetUp() override {
        apply({{}, {Put{keys.store(), encode(StoreRecord{"a store", {}, "root"})}}, {}});
        for (const char* name : {"web1", "web2"}) machines.push_back({.name = name});
        for (Machine& machine : machines) start(machine);
    }
    Machine& web1() { return machines.front(); }
    Machine& web2() { return machines.back(); }

    static TopologyFacts facts(bool has_vip = true) {
        TopologyFacts facts{{{"web1", false}, {"web2", false}}, 1, {}};
        if (has_vip) facts.vip = {address, {"web1", "web2"}};
        return facts;
    }

    // Machines
    void start(Machine& machine) {
        const std::string instance = machine.name + "-" + std::to_string(++machine.processes);
        machine.member = std::make_unique<Member>(
            Identity{keys.prefix(), machine.name, instance, "boot-" + machine.name, "1", "at-" + machine.name, ""},
            machine.memory);
        machine.lease = 0;
        machine.member->on_local(machine.local, now());
        machine.member->on_facts(first.digest, facts(), now());
        machine.member->on_facts(without.digest, facts(false), now());
        reach(machine);
    }
    void kill(Machine& machine) { machine.member.reset(); } // its supervisor; the kernel keeps what it was told
    void leave(Machine& machine) {
        machine.member->leave(now());
        settle();
        const bool may_have_it = machine.member->may_have_address(now());
        kill(machine);
        if (!may_have_it) revoke(machine.lease);
    }
    void report(Machine& machine, bool well, Version runs = first) {
        machine.local.well = well;
        machine.local.runs = std::move(runs);
        machine.member->on_local(machine.local, now());
        settle();
    }
    void reach(Machine& machine) {
        const bool is_over = boot >= machine.renewed + lease_time; // by its own clock
        if (is_over || !leases.contains(machine.lease)) machine.lease = ++last_lease;
        machine.renewed = boot;
        leases[machine.lease] = boot + lease_time;
        machine.member->on_lease(machine.lease, boot + lease_time, now());
        list(machine);
        settle();
    }
    void list(Machine& machine) {
        machine.member->on_listed(listed(machine.member->listing(), items, {cluster, revision}), now());
    }

    // The store
    void write(const std::string& key, const std::string& value, LeaseId lease = 0) {
        apply({{}, {Put{key, value, lease}}, {}});
        settle();
    }
    void fence(const std::string& machine, bool drained) {
        write(keys.fence(machine), encode(FenceRecord{drained, drained, false}));
    }
    TransactionReply apply(const Transaction& transaction) {
        TransactionReply reply{{cluster, revision}, true, {}};
        for (const Unchanged& each : transaction.when) {
            const auto item = items.find(each.key);
            reply.succeeded = reply.succeeded && (item == items.end() ? 0 : item->second.modified) == each.modified;
        }
        std::vector<Change> changes;
        if (reply.succeeded)
            for (const Operation& operation : transaction.then)
                if (const auto* put = std::get_if<Put>(&operation)) {
                    items[put->key] = {put->key, put->value, revision + 1, revision + 1, put->lease};
                    changes.push_back({false, items[put->key]});
                }
        tell(std::move(changes));
        reply.header.revision = revision;
        return reply;
    }
    void revoke(LeaseId lease) {
        leases.erase(lease);
        std::vector<Change> changes;
        for (auto item = items.begin(); item != items.end();) {
            if (item->second.lease != lease || lease == 0) {
                ++item;
                continue;
            }
            Change change{true, {}};
            change.now.key = item->first;
            change.now.modified = revision + 1;
            changes.push_back(std::move(change));
            item = items.erase(item);
        }
        tell(std::move(changes));
        settle();
    }
    void tell(std::vector<Change> changes) {
        if (changes.empty()) return;
        const WatchNews news{{cluster, ++revision}, false, {}, {}, std::move(changes)};
        for (Machine& machine : machines) told.emplace_back(&machine, news);
    }
    static void say(Machine& machine, std::function<void()> words) {
        if (machine.hears_late) return machine.unheard.push_back(std::move(words));
        words();
    }
    void hear(Machine& machine) {
        machine.hears_late = false;
        for (const auto& words : std::exchange(machine.unheard, {})) words();
        settle();
    }
    void stop_store(bool is_stopped) {
        for (Machine& machine : machines) cut(machine, is_stopped);
    }
    void cut(Machine& machine, bool is_cut) {
        machine.is_cut = is_cut;
        if (!machine.member) return;
        if (is_cut)
            machine.member->on_unreachable("it is cut off", now());
        else
            reach(machine);
        settle();
    }
    /// Another one, empty, is in its place.
    void replace_store() {
        ++cluster;
        revision = 1;
        items.clear();
        leases.clear();
        for (Machine& machine : machines) {
            if (!machine.member || machine.is_cut) continue;
            list(machine);
            machine.member->on_lease_lost(now());
            reach(machine);
        }
        settle();
    }
    void accept(Machine& machine) {
        machine.member->ask({++asks, AcceptStoreOrder{"{1}", "d1", "/etc/shop.yaml"}, "root", machine.name, {}}, now());
        settle();
    }

    // What follows from it, until nothing does
    void settle() {
        if (std::exchange(is_settling, true)) return;
        for (bool goes_on = true; goes_on;) {
            goes_on = false;
            for (Machine& machine : machines)
                while (machine.member && perform(machine)) goes_on = true;
            while (!told.empty()) {
                const auto [machine, news] = std::move(told.front());
                told.pop_front();
                goes_on = true;
                say(*machine, [this, to = machine, news] {
                    if (to->member && !to->is_cut) to->member->on_news(news, now());
                });
            }
        }
        is_settling = false;
    }
    bool perform(Machine& machine) {
        const Effects effects = machine.member->take_effects();
        for (const Effect& effect : effects) {
            if (const auto* hold = std::get_if<HoldVip>(&effect)) perform(machine, *hold);
            if (const auto* remember = std::get_if<Remember>(&effect)) machine.memory = remember->memory;
            if (const auto* submit = std::get_if<Submit>(&effect)) {
                if (machine.is_cut)
                    machine.member->on_answer(submit->request, failure("no answer"), now());
                else
                    perform(machine, *submit);
            }
        }
        return !effects.empty();
    }
    void perform(Machine& machine, const HoldVip& hold) {
        const bool fails = hold.until ? machine.takes_none : machine.keeps_addresses;
        const bool had_it = has(machine);
        if (!fails) machine.has_until = hold.until;
        if (has(machine) != had_it) story.push_back(machine.name + (had_it ? " lets it go" : " has it"));
        EXPECT_LE(has(web1()) + has(web2()), 1) << "two have it";
        machine.member->on_vip(hold, has(machine), now());
    }
    void perform(Machine& machine, const Submit& submit) {
        for (const Operation& operation : submit.transaction.then)
            if (const auto* put = std::get_if<Put>(&operation); put && put->key == keys.vip(address))
                story.push_back(machine.name + (put->value == encode(VipRecord()) ? " gives it up" : " takes it"));
        const TransactionReply reply = apply(submit.transaction);
        say(machine,
            [this, to = &machine, request = submit.request, reply] { to->member->on_answer(request, reply, now()); });
    }
    void pass(Duration time) {
        for (const Time end = boot + time; boot < end;) {
            boot += 100ms;
            for (const auto& [lease, ends] : std::map(leases))
                if (boot >= ends) revoke(lease);
            for (Machine& machine : machines) {
                if (!machine.member) continue;
                const bool is_due = boot >= machine.renewed + machine.member->renewal();
                if (is_due && !machine.is_cut) reach(machine);
                if (machine.member && boot >= machine.member->next_tick()) machine.member->tick(now());
            }
            settle();
        }
    }
    bool has(const Machine& machine) const { return machine.has_until && *machine.has_until > boot; }
    std::string holder() { return has(web1()) ? "web1" : has(web2()) ? "web2" : ""; }
    std::vector<std::string> take_story() { return std::exchange(story, {}); }
    std::string told_of_vip(const Machine& machine) {
        const auto vips = machine.member->status(now()).vips;
        return vips.contains(address) ? "on " + vips.at(address) : "none";
    }
    [[nodiscard]] Moment now() const { return {boot, boot.time_since_epoch() + 1'700'000'000s}; }
    void come_to_rest_on_web1() {
        pass(longest_hold + 1s);
        ASSERT_EQ(holder(), "web1");
        take_story();
    }

    Time boot{1'000s};
    std::uint64_t cluster = 7;
    Revision revision = 50;
    std::map<std::string, KeyValue> items;
    std::map<LeaseId, Time> leases; // when they end
    LeaseId last_lease = 0;
    std::deque<Machine> machines;
    std::deque<std::pair<Machine*, WatchNews>> told;
    std::vector<std::string> story;
    AskId asks = 0;
    bool is_settling = false;
};

using Story = std::vector<std::string>;

TEST_F(VipTest, TheFirstOfItsListTakesItOnceNobodyCanHaveItFromBefore) {
    pass(longest_hold - 1s);
    EXPECT_EQ(holder(), "");
    EXPECT_EQ(told_of_vip(web2()), "on ");
    pass(1s);
    EXPECT_EQ(holder(), "web1");
    EXPECT_EQ(told_of_vip(web2()), "on web1");
}

TEST_F(VipTest, IsHeldUntilShortlyBeforeTheLeaseEndsAndRenewedWithIt) {
    come_to_rest_on_web1();
    EXPECT_EQ(*web1().has_until, web1().renewed + lease_time - vip_margin);
    EXPECT_EQ(web1().member->renewal(), 2s) << "the address hangs on it";
    EXPECT_EQ(web2().member->renewal(), 5s);
    pass(60s);
    EXPECT_EQ(take_story(), Story());
}

TEST_F(VipTest, ADrainedMachineHandsItOverAtOnceTheAddressFirst) {
    come_to_rest_on_web1();
    fence("web1", true);
    EXPECT_EQ(take_story(), Story({"web1 lets it go", "web1 gives it up", "web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, ItDoesNotMoveBackByItself) {
    come_to_rest_on_web1();
    fence("web1", true);
    fence("web1", false);
    pass(120s);
    EXPECT_EQ(holder(), "web2");
    fence("web2", true);
    EXPECT_EQ(holder(), "web1");
}

TEST_F(VipTest, StaysOnADrainedMachineWhereNoOtherIs) {
    come_to_rest_on_web1();
    leave(web2());
    fence("web1", true);
    pass(60s);
    EXPECT_EQ(holder(), "web1");
}

TEST_F(VipTest, ASupervisorThatEndsHandsItOver) {
    come_to_rest_on_web1();
    leave(web1());
    EXPECT_EQ(take_story(), Story({"web1 lets it go", "web1 gives it up", "web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, ASupervisorThatHasJustBegunTakesWhatItSawGivenUp) {
    pass(longest_hold);
    kill(web2());
    pass(20s);
    start(web2());
    leave(web1());
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, StaysWithASupervisorThatIsStartedAnew) {
    come_to_rest_on_web1();
    kill(web1());
    pass(3s);
    web1().local.well = false; // it has just begun
    start(web1());
    EXPECT_EQ(*web1().has_until, boot + lease_time - vip_margin);
    report(web1(), true);
    pass(60s);
    EXPECT_EQ(take_story(), Story({"web1 takes it"}));
}

TEST_F(VipTest, ANewSupervisorTakesAwayWhatItsPredecessorHadBeforeItGivesItUp) {
    come_to_rest_on_web1();
    kill(web1());
    fence("web1", true);
    start(web1());
    EXPECT_EQ(take_story(), Story({"web1 lets it go", "web1 gives it up", "web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, MovesFromADeadMachineWhenItsLeaseIsOver) {
    come_to_rest_on_web1();
    kill(web1());
    pass(lease_time + 3s);
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, MovesFromWhoIsUnwellForSomeSecondsToWhoIsWell) {
    come_to_rest_on_web1();
    report(web1(), false);
    pass(4s);
    report(web1(), true);
    pass(4s);
    EXPECT_EQ(holder(), "web1");
    report(web1(), false);
    pass(6s);
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, StaysWithWhoIsUnwellWhereNobodyIsWell) {
    come_to_rest_on_web1();
    report(web2(), false);
    report(web1(), false);
    pass(60s);
    EXPECT_EQ(holder(), "web1");
}

TEST_F(VipTest, TheKeyIsNotGivenUpWhileTheKernelKeepsTheAddress) {
    come_to_rest_on_web1();
    web1().keeps_addresses = true;
    const Time until = *web1().has_until;
    fence("web1", true);
    pass(until - boot - 100ms);
    EXPECT_EQ(take_story(), Story());
    pass(200ms);
    EXPECT_EQ(take_story(), Story({"web1 gives it up", "web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, ASupervisorThatEndsLeavesItsLeaseWhereTheKernelKeepsTheAddress) {
    come_to_rest_on_web1();
    web1().keeps_addresses = true;
    leave(web1());
    pass(lease_time + 3s);
    EXPECT_EQ(take_story(), Story({"web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, WhoCannotHaveItLeavesItToAnother) {
    web1().takes_none = true;
    pass(longest_hold + 5s);
    EXPECT_EQ(holder(), "web2");
    pass(60s);
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, WhoDoesNotTakeItIsNotWaitedForLong) {
    pass(longest_hold - 1s);
    write(keys.vip(address), encode(VipRecord()));
    start(web1()); // anew: it does not know what was before
    pass(5s);
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, WithoutTheStoreItIsHadAsLongAsItsLeaseAndAgainWithTheStore) {
    come_to_rest_on_web1();
    stop_store(true);
    pass(10s);
    EXPECT_EQ(holder(), "web1");
    stop_store(false);
    EXPECT_EQ(*web1().has_until, boot + lease_time - vip_margin);
    stop_store(true);
    for (auto& [lease, ends] : leases) ends = boot + 1h; // it is down, and counts anew when it is back
    pass(lease_time);
    EXPECT_EQ(holder(), "");
    stop_store(false);
    EXPECT_EQ(holder(), "web1");
}

TEST_F(VipTest, ByAStoreThatIsNotTrustedNothingIsTaken) {
    come_to_rest_on_web1();
    replace_store();
    ASSERT_EQ(web2().member->status(now()).state, ClusterStatus::State::unaccepted);
    pass(120s);
    EXPECT_EQ(holder(), "");
    EXPECT_FALSE(items.contains(keys.vip(address)));
    accept(web1());
    ASSERT_EQ(web2().member->status(now()).state, ClusterStatus::State::connected);
    pass(longest_hold - 1s);
    EXPECT_EQ(holder(), "") << "whoever is cut off may have it by the store before";
    pass(2s);
    EXPECT_EQ(holder(), "web1");
}

TEST_F(VipTest, WhatIsHadByAStoreThatIsNoMoreRunsOut) {
    come_to_rest_on_web1();
    cut(web1(), true);
    replace_store();
    pass(5s);
    accept(web2());
    ASSERT_EQ(web2().member->status(now()).state, ClusterStatus::State::connected);
    EXPECT_EQ(holder(), "web1");
    pass(30s); // two would be told
    EXPECT_EQ(holder(), "web2");
}

TEST_F(VipTest, WhoseTopologyHasItNoMoreLetsOthersHaveIt) {
    come_to_rest_on_web1();
    report(web1(), true, without);
    pass(2s); // until it has said so
    EXPECT_EQ(holder(), "web2");
    report(web2(), true, without);
    EXPECT_EQ(holder(), "");
    EXPECT_EQ(decode<VipRecord>(items.at(keys.vip(address)).value)->machine, "");
}

TEST_F(VipTest, WhatWasTakenForATopologyThatRunsNoMoreIsGivenUp) {
    pass(longest_hold - 100ms);
    web1().hears_late = true;
    pass(100ms);
    ASSERT_EQ(take_story(), Story({"web1 takes it"}));
    report(web1(), true, without); // before it hears that it has it
    hear(web1());
    pass(5s);
    EXPECT_EQ(take_story(), Story({"web1 gives it up", "web2 takes it", "web2 has it"}));
}

TEST_F(VipTest, AMachineThatIsCutOffKeepsItsKeyAsLongAsItMayHaveTheAddress) {
    come_to_rest_on_web1();
    cut(web1(), true);
    write(keys.fence("web1"), encode(FenceRecord{true, true, true}));
    report(web2(), true, without);
    report(web2(), true);
    pass(lease_time - 3s);
    EXPECT_EQ(take_story(), Story());
    pass(6s);
    EXPECT_EQ(holder(), "web2");
}

} // namespace
} // namespace mpsup::cluster
