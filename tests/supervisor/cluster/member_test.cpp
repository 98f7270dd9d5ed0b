#include "tests/supervisor/cluster/member_fixture.h"

namespace mpsup::cluster {
namespace {

class MemberTest : public MemberFixture {};

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

} // namespace
} // namespace mpsup::cluster
