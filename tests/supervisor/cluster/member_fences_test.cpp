#include "tests/supervisor/cluster/member_fixture.h"

#include <algorithm>

namespace mpsup::cluster {
namespace {

class MemberFencesTest : public MemberFixture {};

TEST_F(MemberFencesTest, WhatALaterMpsupSaidOfAMachineIsNotOverwritten) {
    start();
    write(keys.fence("web1"), R"({"drained":"half"})");
    order(FenceOrder{FenceOrder::What::cordon, "web1", false});
    const auto told = answer();
    ASSERT_TRUE(told);
    EXPECT_EQ(told->code, 1);
    EXPECT_NE(told->text.find("cannot be read"), std::string::npos) << told->text;
}

TEST_F(MemberFencesTest, OnlyUncordonTakesAnythingBack) {
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

TEST_F(MemberFencesTest, WhatIsSaidOfAMachineIsKeptForHistoryWithWhoSaidIt) {
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

TEST_F(MemberFencesTest, OfWhatWasSaidOfMachinesTheLastIsKept) {
    start();
    web1_is_there();
    order(FenceOrder{FenceOrder::What::drain, "web1", false, true});
    for (std::size_t i = 0; i < most_orders; ++i) order(FenceOrder{FenceOrder::What::cordon, "web1"});
    const auto past = orders();
    EXPECT_EQ(past.size(), most_orders);
    EXPECT_EQ(past.front().kind, "cordon");
    EXPECT_NE(past.front().id, past.back().id);
}

TEST_F(MemberFencesTest, WhatIsSaidAgainBecauseNobodyKnowsWhatCameOfItIsInHistoryOnce) {
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

TEST_F(MemberFencesTest, AHistoryThatCannotBeReadHoldsNothingUp) {
    start();
    web1_is_there();
    write(keys.orders(), R"({"past":7})");
    order(FenceOrder{FenceOrder::What::cordon, "web1"});
    EXPECT_EQ(answer()->code, 0);
    EXPECT_EQ(orders().size(), 1U);
}

TEST_F(MemberFencesTest, NothingIsSentToMachinesThatAreDrained) {
    start();
    order(FenceOrder{FenceOrder::What::drain, "web1", false});
    const auto told = take<Backends>();
    ASSERT_EQ(told.size(), 1U);
    EXPECT_EQ(told.front().out, std::vector<std::string>{"web1"});
    order(FenceOrder{FenceOrder::What::uncordon, "web1", false});
}

TEST_F(MemberFencesTest, ADrainIsWaitedForUntilNothingIsLeftThatAnybodyKnowsOf) {
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

TEST_F(MemberFencesTest, ADrainThatDoesNotEndIsNotWaitedForForever) {
    start();
    order(FenceOrder{FenceOrder::What::drain, "web1", true});
    take<Tell>();
    for (int i = 0; i < 60; ++i) pass(10s);
    const auto told = answer();
    ASSERT_TRUE(told && told->code);
    EXPECT_EQ(*told->code, 9);
    EXPECT_TRUE(told->text.starts_with("web1 still is not heard of")) << told->text;
}

TEST_F(MemberFencesTest, TheLastMachineOfWhatOthersNeedIsNotDrainedByAccident) {
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

TEST_F(MemberFencesTest, TwoThatAreDrainedAtATimeDoNotLeaveNothing) {
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

TEST_F(MemberFencesTest, AMachineNobodyHasHeardOfIsNotFenced) {
    items[keys.wanted()] = {keys.wanted(), encode(WantedRecord{local.runs, {}}), 40, 40, 0};
    start();
    order(FenceOrder{FenceOrder::What::drain, "web7", false});
    EXPECT_EQ(answer()->code, 2);
}

} // namespace
} // namespace mpsup::cluster
