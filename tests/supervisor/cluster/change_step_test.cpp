#include "supervisor/cluster/change_step.h"

#include <gtest/gtest.h>

namespace mpsup::cluster {
namespace {

using namespace std::chrono_literals;
using Phase = ChangeRecord::Phase;
using State = Part::State;

// A store in which one change runs, from topology 1 to 2.
class ChangeStepTest : public testing::Test {
protected:
    ChangeStepTest() {
        change.id = "c";
        change.to = {2, "d2"};
        change.before = {1, "d1"};
        change.last = 2;
        change.owner = "m0";
        change.instance = "i";
        change.at = now.wall;
        for (int i = 0; i < 4; ++i) {
            const std::string name = "m" + std::to_string(i);
            machines[name] = {"i", "b"};
            machines[name].clock = now.wall;
            machines[name].runs = change.before;
            machines[name].well = true;
            change.machines.push_back({name});
            facts.machines.push_back({name, false});
        }
        wanted.now = change.before;
    }
    ClusterView view() const {
        Keys keys("/p/");
        TransactionReply reply;
        reply.header = {1, 100};
        reply.results.resize(keys.listing().then.size());
        const auto put = [&](std::size_t part, const std::string& key, const std::string& value) {
            reply.results[part].found.push_back({key, value, 1, 1, 0});
        };
        for (const auto& [name, record] : machines) put(0, keys.machine(name), encode(record));
        for (const auto& [name, record] : fences) put(1, keys.fence(name), encode(record));
        put(3, keys.wanted(), encode(wanted));
        put(4, keys.change(), encode(change));
        if (!converging.empty()) put(6, keys.converging(), encode(ConvergingRecord{converging}));
        ClusterView view(keys);
        EXPECT_TRUE(view.list(reply));
        return view;
    }
    ChangeStep step() const { return next_step(view(), &facts, tenure, now); }
    /// And it is written.
    ChangeStep take() {
        ChangeStep taken = step();
        change = taken.change;
        if (taken.wanted) wanted = *taken.wanted;
        return taken;
    }
    void report(const std::string& name, Report::State state, std::string reason = {}) {
        machines[name].report = {change.id, change.round(), state, {}, state == Report::State::done};
        if (!reason.empty()) machines[name].report.reasons.push_back(std::move(reason));
        if (state == Report::State::done)
            machines[name].runs = change.round() == Round::undoing ? change.before : change.to;
    }
    void all_accept() {
        for (const auto& [name, machine] : machines) report(name, Report::State::accepted);
    }
    /// Rolling, with what is granted at once.
    void roll() {
        all_accept();
        take();
        ASSERT_EQ(change.phase, Phase::rolling);
    }
    std::string states() const {
        std::string states;
        for (const Part& part : change.machines) states += to_string(part.state).front();
        return states;
    }

    Moment now{Time(1'000s), WallTime(1'700'000'000'000)};
    Tenure tenure{Time(1'000s), {}};
    TopologyFacts facts;
    ChangeRecord change;
    WantedRecord wanted;
    std::map<std::string, MachineRecord> machines;
    std::map<std::string, FenceRecord> fences;
    std::vector<std::string> converging;
};

TEST_F(ChangeStepTest, NothingIsDoneBeforeAllHaveSaidWhatTheyThink) {
    report("m0", Report::State::accepted);
    EXPECT_EQ(step().change, change);
}

TEST_F(ChangeStepTest, WhenAllAcceptWhatIsWantedChangesAndTheFirstIsGranted) {
    all_accept();
    const ChangeStep taken = take();
    EXPECT_EQ(change.phase, Phase::rolling);
    EXPECT_EQ(taken.wanted->now, change.to);
    EXPECT_EQ(taken.wanted->earlier, std::vector{change.before});
    EXPECT_EQ(states(), "gwww");
}

TEST_F(ChangeStepTest, OneThatRefusesEndsItAndIsNamed) {
    all_accept();
    report("m2", Report::State::refused, "there is no such folder");
    const ChangeStep taken = take();
    EXPECT_EQ(change.phase, Phase::refused);
    EXPECT_FALSE(taken.wanted);
    EXPECT_EQ(change.reasons, std::vector<std::string>{"m2: there is no such folder"});
}

TEST_F(ChangeStepTest, OneThatSaysNothingIsNotWaitedForForEver) {
    all_accept();
    machines["m3"].report = {};
    now.boot += 29s;
    EXPECT_EQ(step().change.phase, Phase::checking);
    now.boot += 2s;
    EXPECT_EQ(take().change.phase, Phase::refused);
    EXPECT_EQ(change.reasons, std::vector<std::string>{"m3 did not answer within 30 s"});
}

TEST_F(ChangeStepTest, AbsentAndCordonedMachinesArePassedByAndNamed) {
    machines.erase("m1");
    fences["m2"].cordoned = true;
    all_accept();
    take();
    EXPECT_EQ(states(), "gacw");
    report("m0", Report::State::done);
    take();
    EXPECT_EQ(states(), "dacg");
    report("m3", Report::State::done);
    take();
    EXPECT_EQ(change.phase, Phase::done);
    ASSERT_EQ(change.reasons.size(), 2U);
    EXPECT_NE(change.reasons[0].find("m1"), std::string::npos);
    EXPECT_NE(change.reasons[1].find("m2"), std::string::npos);
}

TEST_F(ChangeStepTest, WhoLivesAndIsTakenOutOfTheTopologyIsNamedAndWhoHasItsAddress) {
    machines["m3"].address = "10.9.0.3";
    facts.machines[3] = {.name = "n3", .address = "10.9.0.3"}; // misspelt
    facts.allowed = 5;
    all_accept();
    take();
    EXPECT_EQ(states(), "gggag");
    for (const char* name : {"m0", "m1", "m2", "m3"}) report(name, Report::State::done);
    take();
    EXPECT_EQ(change.phase, Phase::done);
    EXPECT_EQ(change.reasons,
              (std::vector<std::string>{"absent, to take it when they return: n3",
                                        "not in it any more, so nothing runs there: m3",
                                        "n3 has the address of m3, which lives: is it the same machine?"}));
}

TEST_F(ChangeStepTest, WhoIsTakenOutAndPassedByIsNotSaidToRunNothing) {
    facts.machines.pop_back();
    fences["m3"].cordoned = true;
    facts.allowed = 4;
    all_accept();
    take();
    for (const char* name : {"m0", "m1", "m2"}) report(name, Report::State::done);
    take();
    EXPECT_EQ(change.phase, Phase::done);
    EXPECT_EQ(change.reasons, std::vector<std::string>{"passed by, because an operator said so: m3"});
}

TEST_F(ChangeStepTest, WhoeverWasNotNamedIsNotAsked) {
    change.kind = ChangeRecord::Kind::restart;
    for (const std::size_t other : {0, 1, 3}) change.machines[other].state = State::skipped;
    report("m2", Report::State::accepted);
    take();
    EXPECT_EQ(states(), "ssgs");
    report("m2", Report::State::done);
    change.workers = {"shop"};
    const ChangeStep last = take();
    EXPECT_EQ(states(), "ssds");
    EXPECT_EQ(change.phase, Phase::done);
    EXPECT_EQ(change.reasons, std::vector<std::string>{});
    const Put end = end_of(last.change, now.wall, Keys("/p/"));
    EXPECT_EQ(end.key, "/p/past/0") << "what has no topology of its own is in the history, too";
    const PastRecord past = decode<PastRecord>(end.value).value();
    EXPECT_EQ(past.machines, std::vector<std::string>{"m2"});
    EXPECT_EQ(past.workers, change.workers);
    EXPECT_EQ(past.outcome.phase, Phase::done);
    change.serial = 53;
    EXPECT_EQ(end_of(change, now.wall, Keys("/p/")).key, "/p/past/3");
}

TEST_F(ChangeStepTest, WhoeverWasNotNamedAndIsAwayCountsAsOutOfService) {
    change.kind = ChangeRecord::Kind::restart;
    change.allowed = 2;
    change.machines[0].state = State::skipped;
    machines.erase("m0");
    all_accept();
    take();
    EXPECT_EQ(states(), "sgww");
}

TEST_F(ChangeStepTest, WhereAllThatWereNamedArePassedByItSaysSo) {
    change.kind = ChangeRecord::Kind::restart;
    for (const std::size_t other : {0, 1, 3}) change.machines[other].state = State::skipped;
    fences["m2"].cordoned = true;
    take();
    EXPECT_EQ(change.phase, Phase::refused);
    ASSERT_FALSE(change.reasons.empty());
    EXPECT_EQ(change.reasons.front(),
              "no machine of it takes part: changes pass m2 by, as an operator said (`mpsup uncordon m2`)");
}

TEST_F(ChangeStepTest, AClockThatIsFarOffIsRefused) {
    all_accept();
    machines["m1"].clock += 31s;
    EXPECT_EQ(step().change.reasons, std::vector<std::string>{"m1: its clock is 31 s ahead of m0's: set them by NTP"});
    machines["m1"].clock -= 62s;
    EXPECT_EQ(step().change.reasons, std::vector<std::string>{"m1: its clock is 31 s behind m0's: set them by NTP"});
    machines["m1"].clock = now.wall + 10min; // it answered, and the leader was paused and reads it only now
    now.wall += 10min;
    EXPECT_EQ(step().change.phase, Phase::rolling);
}

TEST_F(ChangeStepTest, NoMoreAreGrantedThanMayBeOutOfService) {
    facts.allowed = 2;
    roll();
    EXPECT_EQ(states(), "ggww");
    report("m0", Report::State::done);
    take();
    EXPECT_EQ(states(), "dggw");
}

TEST_F(ChangeStepTest, AbsentAndUnwellMachinesCountAsOutOfService) {
    facts.allowed = 2;
    machines["m3"].well = false;
    roll();
    EXPECT_EQ(states(), "gwwg"); // the one that is out of service anyway takes nothing away
}

TEST_F(ChangeStepTest, OneThatConvergesIsInHandAlready) {
    converging = {"m3"};
    machines["m3"].runs = {};
    roll();
    EXPECT_EQ(states(), "wwww");
    converging.clear();
    take();
    EXPECT_EQ(states(), "gwww");
}

TEST_F(ChangeStepTest, OneIsAlwaysGranted) {
    machines.erase("m1");
    machines.erase("m2");
    roll();
    EXPECT_EQ(states(), "gaaw");
}

TEST_F(ChangeStepTest, AReportOfAnEarlierRoundIsNone) {
    roll();
    machines["m0"].report = {change.id, Round::checking, Report::State::accepted, {}};
    EXPECT_EQ(step().change, change);
    machines["m0"].report = {"another", Round::rolling, Report::State::done, {}};
    EXPECT_EQ(step().change, change);
}

TEST_F(ChangeStepTest, WhereOneFailsThoseThatWereGrantedGoBack) {
    facts.allowed = 2;
    roll();
    report("m0", Report::State::done);
    take();
    EXPECT_EQ(states(), "dggw");
    report("m1", Report::State::failed, "it did not come up");
    const ChangeStep taken = take();
    EXPECT_EQ(change.phase, Phase::undoing);
    EXPECT_TRUE(change.has_served);
    EXPECT_EQ(taken.wanted->now, change.before);
    EXPECT_TRUE(taken.wanted->earlier.empty());
    EXPECT_EQ(change.machines.size(), 3U); // m3 was never touched
    EXPECT_EQ(states(), "ggw");            // the last first; m2 is at it still, and counted
    for (const char* name : {"m2", "m1"}) report(name, Report::State::done);
    take();
    report("m0", Report::State::done);
    const ChangeStep last = take();
    EXPECT_EQ(change.phase, Phase::rolled_back);
    EXPECT_EQ(end_of(last.change, now.wall, Keys("/p/")).key, Keys("/p/").outcome(2));
    EXPECT_EQ(last.change.phase, Phase::rolled_back);
    EXPECT_EQ(change.reasons, std::vector<std::string>{"m1: it did not come up"});
}

TEST_F(ChangeStepTest, WhatChangedNothingHasNotServed) {
    facts.allowed = 2;
    roll();
    report("m0", Report::State::done);
    machines["m0"].report.has_served = false; // nothing of it is there
    report("m1", Report::State::failed, "it did not come up");
    take();
    EXPECT_EQ(change.phase, Phase::undoing);
    EXPECT_FALSE(change.has_served);
}

TEST_F(ChangeStepTest, OneThatFailedAfterItHadServedHasServed) {
    roll();
    report("m0", Report::State::failed, "judged worse");
    machines["m0"].report.has_served = true;
    take();
    EXPECT_EQ(change.phase, Phase::undoing);
    EXPECT_TRUE(change.has_served);
}

TEST_F(ChangeStepTest, ATopologyThatIsWrongForAMachineIsNoneThatItRefusesToday) {
    report("m0", Report::State::refused, "the port is in use");
    EXPECT_FALSE(step().change.is_invalid);
    report("m1", Report::State::invalid, "there is no app.psgi");
    take();
    EXPECT_EQ(change.phase, Phase::refused);
    EXPECT_TRUE(change.is_invalid);
    EXPECT_EQ(change.reasons, (std::vector<std::string>{"m0: the port is in use", "m1: there is no app.psgi"}));
}

TEST_F(ChangeStepTest, ARestartNamesThoseThatItDidNotReach) {
    change.kind = ChangeRecord::Kind::restart;
    change.to = change.before;
    change.machines = {{"m0"}, {"m1"}};
    machines.erase("m1");
    roll();
    report("m0", Report::State::done);
    take();
    EXPECT_EQ(change.phase, Phase::done);
    EXPECT_EQ(change.reasons, std::vector<std::string>{"absent, so what runs there was not restarted: m1"});
}

TEST_F(ChangeStepTest, ARestartThatFailsStopsThere) {
    change.kind = ChangeRecord::Kind::restart;
    change.to = change.before;
    change.allowed = 2;
    roll();
    EXPECT_EQ(states(), "ggww");
    report("m0", Report::State::failed, "it did not come up");
    take();
    EXPECT_EQ(change.phase, Phase::rolling);
    EXPECT_EQ(states(), "fgww");
    report("m1", Report::State::done);
    EXPECT_FALSE(take().wanted);
    EXPECT_EQ(change.phase, Phase::failed);
    EXPECT_EQ(change.reasons, (std::vector<std::string>{"m0: it did not come up", "restarted, and stay so: m1",
                                                        "not restarted: m2, m3"}));
}

TEST_F(ChangeStepTest, AbortedWhileItIsCheckedNothingHasChanged) {
    change.is_aborted = true;
    EXPECT_FALSE(take().wanted);
    EXPECT_EQ(change.phase, Phase::aborted);
}

TEST_F(ChangeStepTest, AMachineThatTurnsUnwellAfterwardsHoldsItUpAndThenEndsIt) {
    roll();
    report("m0", Report::State::done);
    machines["m0"].well = false;
    EXPECT_TRUE(take().has_ailing);
    EXPECT_EQ(states(), "dwww");
    tenure.ailing = now.boot;
    now.boot += 61s;
    take();
    EXPECT_EQ(change.phase, Phase::undoing);
}

TEST_F(ChangeStepTest, TheLastOneIsWatchedTooBeforeItIsDone) {
    roll();
    for (Part& part : change.machines) part.state = State::done;
    machines["m3"].well = false;
    take();
    EXPECT_EQ(change.phase, Phase::rolling);
    machines["m3"].well = true;
    take();
    EXPECT_EQ(change.phase, Phase::done);
}

TEST_F(ChangeStepTest, OneThatWasUnwellBeforeMayStaySo) {
    machines["m1"].well = false;
    change.allowed = 2;
    change.kind = ChangeRecord::Kind::restart;
    roll();
    ASSERT_EQ(states(), "ggww");
    EXPECT_FALSE(change.part_of("m0")->was_unwell);
    report("m0", Report::State::done);
    report("m1", Report::State::done);
    EXPECT_FALSE(take().has_ailing);
    EXPECT_EQ(states(), "ddgw");
    machines["m1"].well = true;
    take();
    machines["m1"].well = false;
    EXPECT_TRUE(take().has_ailing) << "once it was well it is watched as all others";
}

TEST_F(ChangeStepTest, TheSameTopologyOnceMoreIsNoneToGoBackTo) {
    change.to.digest = change.before.digest;
    all_accept();
    EXPECT_EQ(take().wanted->earlier, std::vector<Version>{});
}

TEST_F(ChangeStepTest, WhatAllMachinesSaySaidAtOnceFitsIntoTheStore) {
    for (auto& [name, machine] : machines) {
        report(name, Report::State::refused);
        machine.report.reasons.assign(80, std::string(7'000, 'x'));
    }
    take();
    EXPECT_EQ(change.phase, Phase::refused);
    EXPECT_LT(encode(change).size(), 200'000U);
    EXPECT_TRUE(change.reasons.back().starts_with("and ")) << change.reasons.back();
}

TEST(PartsOf, WhoOnlyGivesAddressesUpComesAfterThoseThatAskThere) {
    const TopologyFacts before{{{"app1", false, {"10.9.0.2:8081"}}, {"app2", false, {}}, {"web1", true, {}}}};
    const TopologyFacts after{{{"app1", false, {}}, {"app2", false, {"10.9.0.3:8081"}}, {"web1", true, {}}}};
    const auto names = [](const TopologyFacts& from, const TopologyFacts& to) {
        std::string text;
        for (const Part& part : parts_of(&from, &to)) text += part.machine + ' ';
        return text;
    };
    EXPECT_EQ(names(before, after), "app2 web1 app1 ");
    EXPECT_EQ(names(after, before), "app1 web1 app2 ");
    EXPECT_EQ(names(before, before), "app1 app2 web1 ");
}

TEST(PartsOf, OfThoseThatChangeAddressesHalfComeAfterWhoAsksThere) {
    TopologyFacts before, after;
    before.machines = {{"app1", false, {"10.9.0.2:8081"}, {"shop"}},
                       {"app2", false, {"10.9.0.3:8082"}, {"mail"}},
                       {"app3", false, {"10.9.0.4:8081"}, {"shop"}},
                       {"app4", false, {"10.9.0.5:8082"}, {"mail"}},
                       {"web1", true}};
    after = before;
    for (auto& machine : after.machines)
        if (!machine.offers.empty()) machine.offers = {machine.name + ":8090"};
    std::string names;
    for (const Part& part : parts_of(&before, &after)) names += part.machine + ' ';
    EXPECT_EQ(names, "app1 app2 web1 app3 app4 ");
}

TEST(PartsOf, AcceleratorsComeAfterOthersAndWhatGoesComesLast) {
    TopologyFacts before, after;
    before.machines = {{"old", false}, {"web", true}};
    after.machines = {{"web", true}, {"app", false}};
    std::string names;
    for (const Part& part : parts_of(&before, &after)) names += part.machine + ' ';
    EXPECT_EQ(names, "app web old ");
}

} // namespace
} // namespace mpsup::cluster
