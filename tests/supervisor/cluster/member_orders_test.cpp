#include "tests/supervisor/cluster/member_fixture.h"

namespace mpsup::cluster {
namespace {

class MemberOrdersTest : public MemberFixture {};

TEST_F(MemberOrdersTest, AnOrderWithoutTheStoreEndsAndSaysWhyNothingWasDone) {
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

TEST_F(MemberOrdersTest, AnOrderIsWrittenOnlyOnWhatItWasDecidedOn) {
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

TEST_F(MemberOrdersTest, AnotherOrderWhileAChangeRunsIsToldWhichOne) {
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

TEST_F(MemberOrdersTest, ARestartOfOneMachineSkipsTheOthers) {
    start();
    web1_is_there();
    order(RestartOrder{{}, {"app1"}, false});
    pass(1s);
    ASSERT_EQ(change().phase, Phase::rolling);
    EXPECT_EQ(change().part_of("app1")->state, Part::State::granted);
    EXPECT_EQ(change().part_of("web1")->state, Part::State::skipped);
    for (const Tell& told : take<Tell>()) EXPECT_EQ(told.text.find("web1"), std::string::npos) << told.text;
}

TEST_F(MemberOrdersTest, ARestartOfAWorkerSkipsMachinesThatHaveNoneOfIt) {
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

TEST_F(MemberOrdersTest, ATopologyThatTakesAWorkerFromAllThatLiveIsRefused) {
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

TEST_F(MemberOrdersTest, AMachineThatThereIsNotIsNamedWithThoseThatThereAre) {
    start();
    web1_is_there();
    order(RestartOrder{{}, {"app7"}, false});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 2);
    EXPECT_EQ(told->text, "there is no machine app7; there is app1, web1");
    EXPECT_FALSE(items.contains(keys.change()));
}

TEST_F(MemberOrdersTest, ATopologyIsNotRolledBackOnOneMachine) {
    start();
    order(RollBackOrder{{}, {"app1"}});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 2);
    EXPECT_NE(told->text.find("`mpsup rollback WORKER --machine app1`"), std::string::npos) << told->text;
}

TEST_F(MemberOrdersTest, BeforeTheFirstTopologyThereIsNothingToRestartOrRollBack) {
    local.runs = {};
    items.erase(keys.wanted());
    start();
    for (const Order& early : {Order(RestartOrder{}), Order(RollBackOrder{}), Order(RollBackOrder{{"shop"}, {}})}) {
        order(early);
        const auto told = answer();
        ASSERT_TRUE(told);
        EXPECT_EQ(told->code, 1);
        EXPECT_EQ(told->text, "nothing runs yet: `mpsup up FILE` first");
    }
    EXPECT_FALSE(items.contains(keys.change())) << "so history does not have it";
}

TEST_F(MemberOrdersTest, WhatRunsIsRestartedThoughTheStoreWasBegunAnew) {
    items.clear();
    start();
    order(RestartOrder{});
    EXPECT_TRUE(items.contains(keys.change()));
}

TEST_F(MemberOrdersTest, AnOrderOfWhichNobodyKnowsIsNotCalledUndone) {
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

TEST_F(MemberOrdersTest, AnOrderThatWasTriedTwiceIsNotCalledUndoneEither) {
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

TEST_F(MemberOrdersTest, AnOrderThatTheStoreRefusesChangesNothing) {
    start();
    take<Submit>();
    is_store_up = false;
    order(up());
    std::string text;
    for (int i = 0; i < 30 && text.empty(); ++i) {
        const auto submits = take<Submit>();
        for (const Submit& each : submits)
            member->on_answer(each.request, std::unexpected(Error{"etcd: no permission", EtcdCode::permission_denied}),
                              now);
        member->on_lease(lease, now.boot + lease_time, now);
        now.boot += 1s;
        run();
        for (const Effect& effect : done)
            if (const auto* told = std::get_if<Tell>(&effect)) text = told->text;
    }
    EXPECT_EQ(text, "the store did not take app1's order in time (etcd: no permission); nothing was changed");
}

TEST_F(MemberOrdersTest, OfATopologyThatIsBroughtUpAgainAndAgainAFewAreKept) {
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

} // namespace
} // namespace mpsup::cluster
