#include "supervisor/cluster/keys.h"
#include "supervisor/cluster/member.h"
#include "tests/supervisor/cluster/listed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;
using Phase = ChangeRecord::Phase;

const Keys keys("/mpsup/shop/");

TopologyFacts facts_of(std::initializer_list<const char*> machines) {
    TopologyFacts facts;
    for (const char* machine : machines) facts.machines.push_back({machine, false, {}, {"shop"}});
    return facts;
}

// One member, and a store that does at once what it is told.
class MemberTest : public testing::Test {
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

TEST_F(MemberTest, SaysThatItLivesOnceItHasALeaseAndKnowsTheStore) {
    start();
    EXPECT_EQ(own().runs, local.runs);
    EXPECT_EQ(items.at(keys.machine("app1")).lease, lease);
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::connected);
}

TEST_F(MemberTest, MachinesThatNobodyCouldHearOfYetAreNotAbsent) {
    using State = MachineStatus::State;
    member = std::make_unique<Member>(identity(), Memory{});
    member->on_local(local, now);
    member->on_facts(local.runs.digest, facts_of({"app1", "web1"}), now);
    member->on_unreachable("connection refused", now);
    std::vector<MachineStatus> machines = member->status(now).machines;
    ASSERT_EQ(machines.size(), 2U);
    EXPECT_EQ(machines[0].state, State::living) << "this one";
    EXPECT_EQ(machines[1].state, State::unknown);
    start();
    machines = member->status(now).machines;
    EXPECT_EQ(machines[1].state, State::absent) << "now it is known";
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{9, "d9"}, {}}), 40, 40, 0};
    web1_is_there();
    list();
    machines = member->status(now).machines;
    ASSERT_EQ(machines.size(), 2U);
    EXPECT_FALSE(machines[1].in_topology.has_value()) << "what topology 9 says is not known";
}

TEST_F(MemberTest, AMachineThatTheTopologyDoesNotHaveIsToldWhichOnesItHas) {
    start();
    const auto words = [&](const char* machine) { return words_on_stranger(member->status(now), machine); };
    EXPECT_EQ(words("app1"), "");
    EXPECT_NE(words("app7").find("its machines are app1, web1: start"), std::string::npos) << words("app7");
    EXPECT_NE(words("app7").find("has app7 in `machines`"), std::string::npos) << words("app7");
    write(keys.machine("app7"), other(local.runs)); // it lives, and is no machine of the topology for that
    EXPECT_NE(words("app7"), "");
    write(keys.wanted(), encode(WantedRecord{{9, "d9"}, {}}));
    EXPECT_EQ(words("app7"), "") << "nobody knows what that one has";
}

TEST_F(MemberTest, OfAThousandMachinesAFewAreNamed) {
    ClusterStatus status;
    for (int i = 0; i < 1'000; ++i) {
        MachineStatus machine{.name = "web" + std::to_string(i)};
        machine.in_topology = true;
        status.machines.push_back(std::move(machine));
    }
    EXPECT_NE(words_on_stranger(status, "app1").find("web19 and 980 more: "), std::string::npos);
    EXPECT_EQ(words_on_stranger(ClusterStatus(), "app1"), "") << "no topology is known";
}

TEST_F(MemberTest, WritesNothingWhileNothingChanges) {
    start();
    take<Submit>();
    for (int i = 0; i < 100; ++i) pass(5s);
    EXPECT_TRUE(take<Submit>().empty());
}

TEST_F(MemberTest, TellsFiguresOnceAMinuteAndThatItIsUnwellAtOnce) {
    start();
    pass(5s);
    take<Submit>();
    for (int i = 0; i < 55; ++i) {
        local.workers.front().ready = i % 8;
        member->on_local(local, now);
        pass(1s);
    }
    EXPECT_LE(take<Submit>().size(), 1U);
    local.well = false;
    member->on_local(local, now);
    pass(1s);
    EXPECT_FALSE(own().well);
}

TEST_F(MemberTest, WritesItsKeyAnewUnderAnotherLease) {
    start();
    member->on_lease_lost(now);
    write(keys.machine("app1"), {});
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::alone);
    lease = 4;
    pass(1s);
    list(); // the store may be another too
    EXPECT_EQ(items.at(keys.machine("app1")).lease, 4);
}

TEST_F(MemberTest, SucceedsAnEarlierProcessOfItsMachineAndKeepsWhatThatReported) {
    start();
    write(keys.machine("web1"), other({}));
    MachineRecord before = own();
    before.report = {"c", Round::rolling, Report::State::done, {}};
    items[keys.machine("app1")].value = encode(before);
    start({}, "i2");
    EXPECT_EQ(own().instance, "i2");
    EXPECT_EQ(own().report, before.report);
}

TEST_F(MemberTest, LeavesItsNameToAnotherMachineThatHasIt) {
    items[keys.machine("app1")] = {keys.machine("app1"), other({}, "boot2", "10.9.0.77"), 40, 40, 8};
    start();
    EXPECT_TRUE(take<Submit>().empty());
    const ClusterStatus status = member->status(now);
    EXPECT_EQ(status.state, ClusterStatus::State::refused);
    EXPECT_EQ(status.why,
              "the name app1 is taken by another machine (10.9.0.77): give one of the two another --machine");
    write(keys.machine("app1"), {});
    EXPECT_EQ(own().instance, "i1");
}

TEST_F(MemberTest, AnOrderWithoutTheStoreEndsAndSaysWhyNothingWasDone) {
    start();
    member->on_unreachable("connection refused", now);
    order(up());
    EXPECT_FALSE(answer());
    pass(11s);
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 1);
    EXPECT_NE(told->text.find("connection refused"), std::string::npos);
}

TEST_F(MemberTest, AnOrderIsWrittenOnlyOnWhatItWasDecidedOn) {
    start();
    take<Submit>();
    is_store_up = false;
    order(up());
    const auto written = take<Submit>();
    ASSERT_EQ(written.size(), 1U);
    const auto& when = written.front().transaction.when;
    ASSERT_EQ(when.size(), 4U); // the change, what is wanted, the topology's number, that the store has no name yet
    EXPECT_EQ(when[0].key, keys.change());
    EXPECT_EQ(when[2].key, keys.topology(2));
    EXPECT_EQ(when[2].modified, 0);
    EXPECT_EQ(when[3].key, keys.store());
}

TEST_F(MemberTest, AnotherOrderWhileAChangeRunsIsToldWhichOne) {
    start();
    web1_is_there();
    order(up());
    take<Tell>();
    order(RestartOrder{});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 8);
    EXPECT_NE(told->text.find("up by root on app1"), std::string::npos);
}

TEST_F(MemberTest, ARestartOfOneMachineSkipsTheOthers) {
    start();
    web1_is_there();
    order(RestartOrder{{}, {"app1"}, false});
    pass(1s);
    ASSERT_EQ(change().phase, Phase::rolling);
    EXPECT_EQ(change().part_of("app1")->state, Part::State::granted);
    EXPECT_EQ(change().part_of("web1")->state, Part::State::skipped);
    for (const Tell& told : take<Tell>()) EXPECT_EQ(told.text.find("web1"), std::string::npos) << told.text;
}

TEST_F(MemberTest, ARestartOfAWorkerSkipsMachinesThatHaveNoneOfIt) {
    TopologyFacts facts = facts_of({"app1", "web1"});
    facts.machines[1].workers = {"front"};
    start();
    member->on_facts(local.runs.digest, facts, now);
    web1_is_there();
    order(RestartOrder{{"shop"}});
    pass(1s);
    EXPECT_EQ(change().part_of("app1")->state, Part::State::granted);
    EXPECT_EQ(change().part_of("web1")->state, Part::State::skipped);
}

TEST_F(MemberTest, ATopologyThatTakesAWorkerFromAllThatLiveIsRefused) {
    start();
    UpOrder misspelt = up();
    misspelt.facts = facts_of({"app7"});
    order(misspelt);
    auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 6);
    EXPECT_NE(told->text.find("shop is on app1 now, and would be on app7 alone"), std::string::npos) << told->text;
    EXPECT_FALSE(items.contains(keys.change()));
    misspelt.facts.machines.front().workers = {"another"};
    order(misspelt);
    EXPECT_TRUE(items.contains(keys.change())) << "who leaves it out of the file means it";
}

TEST_F(MemberTest, AMachineThatThereIsNotIsNamedWithThoseThatThereAre) {
    start();
    web1_is_there();
    order(RestartOrder{{}, {"app7"}, false});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 2);
    EXPECT_EQ(told->text, "there is no machine app7; there is app1, web1");
    EXPECT_FALSE(items.contains(keys.change()));
}

TEST_F(MemberTest, ATopologyIsNotRolledBackOnOneMachine) {
    start();
    order(RollBackOrder{{}, {"app1"}});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 2);
    EXPECT_NE(told->text.find("`mpsup rollback WORKER --machine app1`"), std::string::npos) << told->text;
}

TEST_F(MemberTest, ChecksAndDoesItsPartAndTellsTheEnd) {
    write_alone_until_granted();
    local.runs = change().to;
    member->on_local(local, now);
    member->on_done({change().id, Round::rolling, true, {}}, now);
    run();
    pass(1s);
    EXPECT_EQ(change().phase, Phase::done);
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 0);
    EXPECT_NE(told->text.find("web1"), std::string::npos); // which is absent
}

TEST_F(MemberTest, ASupervisorThatStartsInTheMidstOfItsPartDoesItAgain) {
    write_alone_until_granted();
    take<Do>();
    start({}, "i2");
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, TheEndOfWhatNobodyWaitsForIsNotReported) {
    write_alone_until_granted();
    const std::string before = change().id;
    ChangeRecord next = change();
    next.id = "another";
    next.phase = Phase::checking;
    next.owner = "web1";
    web1_is_there();
    write(keys.change(), encode(next));
    const auto checks = take<Check>();
    ASSERT_EQ(checks.size(), 1U);
    accept(checks);
    member->on_done({before, Round::rolling, true, {}}, now);
    run();
    pass(2s);
    EXPECT_EQ(own().report.change, "another");
    EXPECT_EQ(own().report.state, Report::State::accepted);
}

TEST_F(MemberTest, TellsSoonByWhichCertificateItIsKnownThoughItHadNoneAtFirst) {
    start();
    EXPECT_EQ(own().fingerprint, "");
    member->on_certificate("aa", now);
    run();
    pass(1s);
    EXPECT_EQ(own().fingerprint, "aa");
}

TEST_F(MemberTest, WhatComesBackGetsByItselfToWhatIsWanted) {
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{5, "d5"}, {}}), 40, 40, 0};
    items[keys.topology(5)] = {keys.topology(5), encode(TopologyRecord{"{5}", "d5", "/etc/shop.yaml"}), 40, 40, 0};
    start();
    const auto checks = take<Check>();
    ASSERT_EQ(checks.size(), 1U) << "it was not there when the others checked it";
    accept(checks);
    const auto tasks = take<Do>();
    ASSERT_EQ(tasks.size(), 1U);
    EXPECT_TRUE(items.contains(keys.converging()));
    EXPECT_EQ(tasks.front().document, "{5}");
    EXPECT_TRUE(tasks.front().change.empty());
    member->on_done({{}, Round::rolling, false, "it did not come up"}, now);
    run();
    pass(9s);
    EXPECT_TRUE(take<Do>().empty());
    EXPECT_FALSE(items.contains(keys.converging())) << "meanwhile another one may try";
    pass(2s);
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, WhatSucceededAndRunsSomethingElseIsNotTriedWithoutAPause) {
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{5, "d5"}, {}}), 40, 40, 0};
    items[keys.topology(5)] = {keys.topology(5), encode(TopologyRecord{"{5}", "d5", "/etc/shop.yaml"}), 40, 40, 0};
    local.workers.clear();
    start();
    member->on_checked({{}, {5, "d5"}, true, {}, facts_of({"app1", "web1"})}, now);
    run();
    ASSERT_EQ(take<Do>().size(), 1U);
    member->on_done({{}, Round::rolling, true, {}}, now);
    run();
    EXPECT_TRUE(take<Do>().empty());
    pass(11s);
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, AReasonThatIsTooLongIsToldOnce) {
    write_alone_until_granted();
    take<Submit>();
    std::string words(20'000, 'x');
    words += '\xff';
    member->on_done({change().id, Round::rolling, false, words}, now);
    run();
    for (int i = 0; i < 20; ++i) pass(1s);
    EXPECT_LT(take<Submit>().size(), 8U);
}

TEST_F(MemberTest, TooManyReasonsAreToldOnce) {
    start();
    order(up());
    const auto checks = take<Check>();
    ASSERT_EQ(checks.size(), 1U);
    member->on_checked({checks.front().change, checks.front().to, false, std::vector<std::string>(2'000, "no"), {}},
                       now);
    run();
    for (int i = 0; i < 20; ++i) pass(1s);
    EXPECT_LT(take<Submit>().size(), 8U);
    EXPECT_EQ(own().report.reasons.size(), most_reasons);
    EXPECT_EQ(own().report.reasons.back(), "and 1901 more");
}

TEST_F(MemberTest, MoreWorkersThanOthersReadAreNotToldAll) {
    local.workers.assign(most_workers + 7, {"app", "ready", 1, 1});
    start();
    take<Submit>();
    for (int i = 0; i < 200; ++i) pass(1s);
    EXPECT_EQ(own().workers.size(), most_workers);
    EXPECT_LT(take<Submit>().size(), 8U);
}

TEST_F(MemberTest, AnOrderOfWhichNobodyKnowsIsNotCalledUndone) {
    start();
    is_store_up = false;
    order(up());
    member->on_unreachable("etcd does not answer", now);
    run();
    pass(11s);
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 1);
    EXPECT_NE(told->text.find("it is not known whether the store took the order"), std::string::npos) << told->text;
}

TEST_F(MemberTest, AnOrderThatWasTriedTwiceIsNotCalledUndoneEither) {
    start();
    take<Submit>();
    is_store_up = false;
    order(up());
    const auto tried = take<Submit>();
    ASSERT_EQ(tried.size(), 1U);
    member->on_answer(tried.front().request, failure("the answer was lost"), now);
    pass(2s);
    const auto again = take<Submit>();
    ASSERT_FALSE(again.empty());
    for (const Submit& each : again)
        member->on_answer(each.request, TransactionReply{{cluster, revision}, false, {}}, now); // by its own first try
    member->on_unreachable("etcd does not answer", now);
    run();
    pass(11s);
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_NE(told->text.find("it is not known"), std::string::npos) << told->text;
}

TEST_F(MemberTest, OfATopologyThatIsBroughtUpAgainAndAgainAFewAreKept) {
    start();
    const auto bring = [&](const char* digest) {
        UpOrder order_of_it = up();
        order_of_it.digest = digest;
        order(std::move(order_of_it));
        accept(take<Check>());
        pass(2s);
        local.runs = change().to;
        member->on_local(local, now);
        member->on_done({change().id, Round::rolling, true, {}}, now);
        run();
        pass(2s);
        ASSERT_EQ(change().phase, Phase::done);
    };
    bring("d8");
    for (int i = 0; i < 40; ++i) bring("d9");
    std::size_t topologies = 0, outcomes = 0;
    for (const auto& [key, item] : items) {
        topologies += key.starts_with("/mpsup/shop/topology/") ? 1 : 0;
        outcomes += key.starts_with("/mpsup/shop/outcome/") ? 1 : 0;
    }
    EXPECT_LE(topologies, most_earlier + 3);
    EXPECT_LE(outcomes, most_earlier + 3);
    EXPECT_TRUE(items.contains(keys.topology(2))) << "which is gone back to";
    EXPECT_FALSE(items.contains(keys.topology(4)));
}

TEST_F(MemberTest, WhatALaterMpsupSaidOfAMachineIsNotOverwritten) {
    start();
    write(keys.fence("web1"), R"({"drained":"half"})");
    order(FenceOrder{FenceOrder::What::cordon, "web1", false});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 1);
    EXPECT_NE(told->text.find("cannot be read"), std::string::npos) << told->text;
}

TEST_F(MemberTest, OnlyUncordonTakesAnythingBack) {
    using What = FenceOrder::What;
    start();
    web1_is_there();
    const auto fence = [&](What what) {
        order(FenceOrder{what, "web1", false, true});
        return decode<FenceRecord>(items.at(keys.fence("web1")).value).value();
    };
    EXPECT_TRUE(fence(What::drain).drained);
    EXPECT_TRUE(fence(What::cordon).drained) << "what is drained gets nothing new because somebody cordons it";
    write(keys.machine("web1"), {});
    EXPECT_TRUE(fence(What::remove).removed);
    EXPECT_TRUE(fence(What::cordon).removed);
    EXPECT_TRUE(fence(What::drain).removed);
    order(FenceOrder{What::uncordon, "web1", false});
    EXPECT_FALSE(items.contains(keys.fence("web1")));
}

TEST_F(MemberTest, WhatIsSaidOfAMachineIsKeptForHistoryWithWhoSaidIt) {
    using What = FenceOrder::What;
    start();
    web1_is_there();
    order(FenceOrder{What::cordon, "web1"});
    order(FenceOrder{What::drain, "web1", false, true});
    order(FenceOrder{What::uncordon, "web1"});
    const auto fences = take<Submit>();
    ASSERT_FALSE(fences.empty());
    EXPECT_EQ(fences.back().transaction.then.size(), 2U) << "in the transaction of the fence itself";
    order(FenceOrder{What::remove, "web1"}); // lives: refused
    write(keys.machine("web1"), {});
    order(FenceOrder{What::remove, "web1"});
    const auto past = orders();
    ASSERT_EQ(past.size(), 4U) << "what is refused was not done";
    const PastOrder drain{past[1].id, "drain", "web1", "root", "app1", "--force", now.wall};
    EXPECT_EQ(past[0].kind, "cordon");
    EXPECT_EQ(past[1], drain);
    EXPECT_EQ(past[2].kind, "uncordon");
    EXPECT_EQ(past[3].kind, "remove");
    EXPECT_EQ(member->status(now).orders, past);
}

TEST_F(MemberTest, OfWhatWasSaidOfMachinesTheLastIsKept) {
    start();
    web1_is_there();
    order(FenceOrder{FenceOrder::What::drain, "web1", false, true});
    for (std::size_t i = 0; i < most_orders; ++i) order(FenceOrder{FenceOrder::What::cordon, "web1"});
    const auto past = orders();
    EXPECT_EQ(past.size(), most_orders);
    EXPECT_EQ(past.front().kind, "cordon");
    EXPECT_NE(past.front().id, past.back().id);
}

TEST_F(MemberTest, WhatIsSaidAgainBecauseNobodyKnowsWhatCameOfItIsInHistoryOnce) {
    start();
    web1_is_there();
    take<Submit>();
    is_store_up = false;
    order(FenceOrder{FenceOrder::What::cordon, "web1"});
    const auto tried = take<Submit>();
    ASSERT_EQ(tried.size(), 1U);
    member->on_answer(tried.front().request, failure("the answer was lost"), now);
    is_store_up = true;
    do_it(tried.front()); // all the same
    run();
    pass(2s);
    EXPECT_EQ(answer()->code, 0);
    EXPECT_EQ(orders().size(), 1U);
}

TEST_F(MemberTest, AHistoryThatCannotBeReadHoldsNothingUp) {
    start();
    web1_is_there();
    write(keys.orders(), R"({"past":7})");
    order(FenceOrder{FenceOrder::What::cordon, "web1"});
    EXPECT_EQ(answer()->code, 0);
    EXPECT_EQ(orders().size(), 1U);
}

TEST_F(MemberTest, WhatServesWaitsForItsTurnToGetToWhatIsWanted) {
    start_while_web1_converges();
    EXPECT_TRUE(take<Do>().empty());
    write(keys.converging(), {});
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, ATurnThatWasGivenForAnotherTopologyMayBeOneTooMany) {
    start_while_web1_converges();
    write(keys.converging(), encode(ConvergingRecord{{"web1", "app1"}}));
    pass(1s);
    EXPECT_TRUE(take<Do>().empty());
    EXPECT_EQ(decode<ConvergingRecord>(items.at(keys.converging()).value)->machines, std::vector<std::string>{"web1"});
}

TEST_F(MemberTest, WhatServesNothingWaitsForNoTurn) {
    local.workers.clear();
    start_while_web1_converges();
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, WhatIsNotWellIsOutOfServiceAndWaitsForNoTurn) {
    local.well = false;
    start_while_web1_converges();
    EXPECT_EQ(take<Do>().size(), 1U);
}

TEST_F(MemberTest, AnotherStoreOrdersNothingUntilItIsAccepted) {
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{5, "d5"}, {}}), 40, 40, 0};
    Memory memory;
    memory.cluster = 6;
    memory.revision = 10;
    memory.store.id = "i0/1";
    start(memory);
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::unaccepted);
    EXPECT_TRUE(take<Do>().empty());
    order(AcceptStoreOrder{"{1}", "d1", "/etc/shop.yaml"});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 0);
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::connected);
    EXPECT_EQ(decode<WantedRecord>(items.at(keys.wanted()).value)->now, (Version{6, "d1"})); // what runs here
    EXPECT_EQ(orders().at(0).kind, "cluster accept");
}

TEST_F(MemberTest, AStoreThatWentBackIsAnotherStore) {
    items[keys.store()] = {keys.store(), encode(StoreRecord{"i0/1"}), 40, 40, 0};
    start();
    write(keys.fence("web1"), encode(FenceRecord{true}));
    revision = 20;
    list();
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::unaccepted);
    revision = 500; // it goes on from there, past what was known
    list();
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::unaccepted);
}

TEST_F(MemberTest, AStoreThatIsAcceptedIsNamedLikeNoneBefore) {
    items.clear();
    local.runs = {};
    local.workers.clear();
    start();
    order(up());
    const auto named = [&] { return decode<StoreRecord>(items.at(keys.store()).value)->id; };
    const std::string before = named();
    items.clear();
    revision = 50; // as it was when it was named
    cluster = 8;
    list();
    order(AcceptStoreOrder{});
    EXPECT_NE(named(), before);
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::connected);
}

TEST_F(MemberTest, WhereAnotherRunsWhatTheStoreSaysAcceptingItIsToJoin) {
    items[keys.store()] = {keys.store(), encode(StoreRecord{"i9/1"}), 40, 40, 0};
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{{5, "d5"}, {}}), 40, 40, 0};
    items[keys.topology(5)] = {keys.topology(5), encode(TopologyRecord{"{5}", "d5", "/etc/shop.yaml"}), 40, 40, 0};
    items[keys.machine("web1")] = {keys.machine("web1"), other({5, "d5"}), 40, 40, 9};
    Memory memory;
    memory.cluster = cluster;
    memory.store.id = "i0/1";
    start(memory);
    ASSERT_EQ(member->status(now).state, ClusterStatus::State::unaccepted);
    order(AcceptStoreOrder{"{1}", "d1", "/etc/shop.yaml"});
    EXPECT_EQ(answer()->code, 0);
    EXPECT_EQ(member->status(now).state, ClusterStatus::State::connected);
    EXPECT_EQ(decode<StoreRecord>(items.at(keys.store()).value)->replaces, (std::vector<std::string>{"i9/1", "i0/1"}));
    EXPECT_EQ(decode<WantedRecord>(items.at(keys.wanted()).value)->now, (Version{5, "d5"}));
}

TEST_F(MemberTest, WhereNothingIsWantedAndSomethingRunsNothingIsBroughtUp) {
    items.clear();
    start();
    web1_is_there();
    order(up());
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 1);
    EXPECT_NE(told->text.find("cluster accept"), std::string::npos) << told->text;
    order(AcceptStoreOrder{"{1}", "d1", "/etc/shop.yaml"});
    EXPECT_EQ(answer()->code, 0);
    EXPECT_EQ(decode<WantedRecord>(items.at(keys.wanted()).value)->now.digest, "d1");
}

TEST_F(MemberTest, NewsFromThePastAreNoNews) {
    start();
    web1_is_there();
    take<Relist>();
    revision -= 1;
    write(keys.fence("web1"), encode(FenceRecord{true}));
    write(keys.fence("web1"), encode(FenceRecord{true}));
    EXPECT_LE(take<Relist>().size(), 1U);
}

TEST_F(MemberTest, NothingIsSentToMachinesThatAreDrained) {
    start();
    order(FenceOrder{FenceOrder::What::drain, "web1", false});
    const auto told = take<Backends>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().out, std::vector<std::string>{"web1"});
    order(FenceOrder{FenceOrder::What::uncordon, "web1", false});
}

TEST_F(MemberTest, ADrainIsWaitedForUntilNothingIsLeftThatAnybodyKnowsOf) {
    start();
    const auto web1_has = [&](std::optional<InFlight> in_flight) {
        MachineRecord record = decode<MachineRecord>(other(local.runs)).value();
        record.in_flight = std::move(in_flight);
        write(keys.machine("web1"), encode(record));
        pass(1s);
    };
    const auto told = [&] {
        pass(10s); // longer than nothing has to be in flight
        const auto last = answer();
        return last && !last->code ? last->text : last ? "the end: " + last->text : "nothing";
    };
    web1_is_there();
    order(FenceOrder{FenceOrder::What::drain, "web1", true});
    EXPECT_EQ(told(), "web1 has not said yet what is in flight");
    web1_has(InFlight{2, {}});
    EXPECT_EQ(told(), "web1 has 2 requests in flight");
    EXPECT_EQ(told(), "nothing") << "what has not changed is not said again";
    web1_has(InFlight{0, "docs does not answer"});
    EXPECT_EQ(told(), "web1 has 0 requests in flight, and maybe more (docs does not answer)");
    write(keys.vip("10.9.0.100/24"), encode(VipRecord{"web1", "i9"}));
    web1_has(InFlight{});
    EXPECT_EQ(told(), "web1 has the address 10.9.0.100/24");
    write(keys.machine("web1"), {});
    EXPECT_TRUE(told().starts_with("web1 is not heard of"));
    write(keys.vip("10.9.0.100/24"), encode(VipRecord()));
    web1_has(InFlight{});
    EXPECT_EQ(told(), "the end: web1 has nothing in flight");
}

TEST_F(MemberTest, ADrainThatDoesNotEndIsNotWaitedForForever) {
    start();
    order(FenceOrder{FenceOrder::What::drain, "web1", true});
    take<Tell>();
    for (int i = 0; i < 60; ++i) pass(10s);
    const auto told = answer();
    ASSERT_TRUE(told && told->code);
    EXPECT_EQ(*told->code, 9);
    EXPECT_TRUE(told->text.starts_with("web1 still is not heard of")) << told->text;
}

TEST_F(MemberTest, TheLastMachineOfWhatOthersNeedIsNotDrainedByAccident) {
    TopologyFacts facts = facts_of({"app1", "web1", "web2"});
    facts.needs = {{"pool shop", "front", {"app1", "web1"}}, {"docs", "front", {"web2"}}};
    start();
    member->on_facts("d1", facts, now);
    const auto drained = [&](const char* machine, bool force = false) {
        order(FenceOrder{FenceOrder::What::drain, machine, false, force});
        return answer().value_or(Tell{});
    };
    const Tell alone = drained("app1");
    EXPECT_EQ(alone.code, 1);
    EXPECT_TRUE(alone.text.starts_with("app1 is the last machine of pool shop, which front needs (web1 is absent): "))
        << alone.text;
    web1_is_there();
    EXPECT_EQ(drained("web1").code, 0) << "app1 is there";
    EXPECT_TRUE(drained("app1").text.contains("(web1 is drained)"));
    EXPECT_EQ(drained("web1").code, 0) << "it is drained already";
    EXPECT_EQ(drained("app1", true).code, 0) << "who says so has it";
    write(keys.machine("web2"), other(local.runs));
    EXPECT_TRUE(drained("web2").text.starts_with("web2 is the only machine of docs, which front needs: "));
}

TEST_F(MemberTest, TwoThatAreDrainedAtATimeDoNotLeaveNothing) {
    TopologyFacts facts = facts_of({"app1", "web1"});
    facts.needs = {{"pool shop", "front", {"app1", "web1"}}};
    start();
    member->on_facts("d1", facts, now);
    web1_is_there();
    is_store_up = false;
    take<Submit>();
    order(FenceOrder{FenceOrder::What::drain, "app1", false});
    const auto written = take<Submit>();
    ASSERT_EQ(written.size(), 1U);
    const auto& when = written.front().transaction.when;
    EXPECT_NE(std::ranges::find(when, keys.fence("web1"), &Unchanged::key), when.end());
}

TEST_F(MemberTest, AMachineNobodyHasHeardOfIsNotFenced) {
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{local.runs, {}}), 40, 40, 0};
    start();
    order(FenceOrder{FenceOrder::What::drain, "web7", false});
    EXPECT_EQ(answer()->code, 2);
}

} // namespace
} // namespace mpsup::cluster
