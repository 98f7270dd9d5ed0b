#include "supervisor/cluster/memory.h"
#include "supervisor/cluster/records.h"

#include <gtest/gtest.h>

namespace mpsup::cluster {
namespace {

template <typename Record> void expect_there_and_back(const Record& record) {
    const auto back = decode<Record>(encode(record));
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(*back, record);
}

ChangeRecord change() {
    ChangeRecord change;
    change.id = "i-1";
    change.to = {7, "d7"};
    change.before = {6, "d6"};
    change.last = 7;
    change.serial = 51;
    change.workers = {"shop"};
    change.fast = true;
    change.who = "root";
    change.from = "app1";
    change.note = "why";
    change.at = WallTime(1'700'000'000'000);
    change.phase = ChangeRecord::Phase::undoing;
    change.allowed = 3;
    change.has_served = change.is_aborted = change.is_invalid = true;
    change.owner = "app1";
    change.instance = "i";
    change.term = 4;
    change.machines = {{"app2", Part::State::granted},
                       {"app1", Part::State::failed, "no room", true},
                       {"web1"},
                       {"web2", Part::State::done, {}, false, true},
                       {"web3", Part::State::skipped}};
    change.reasons = {"app1: no room"};
    return change;
}

TEST(Records, AreReadAsTheyWereWritten) {
    expect_there_and_back(MachineRecord{"i",
                                        "b",
                                        "1.0",
                                        "10.9.0.1",
                                        "10.9.0.1:7117",
                                        "0a1b",
                                        WallTime(5),
                                        {3, "d"},
                                        true,
                                        {{"shop", "running", 7, 8}},
                                        InFlight{12, "docs does not answer"},
                                        {"c", Round::rolling, Report::State::failed, {"it did not come up"}, true}});
    expect_there_and_back(MachineRecord{"i", "b"});
    MachineRecord idle{"i", "b"};
    idle.in_flight = InFlight{};
    expect_there_and_back(idle);
    expect_there_and_back(FenceRecord{true, true, false, "root", WallTime(5)});
    expect_there_and_back(TopologyRecord{"{}", "d", "/etc/x.yaml", "root", "app1", "note", WallTime(5)});
    expect_there_and_back(WantedRecord{{3, "d3"}, {{1, "d1"}, {2, "d2"}}});
    expect_there_and_back(change());
    expect_there_and_back(OutcomeRecord{"c", ChangeRecord::Phase::failed, WallTime(5), {"why"}});
    expect_there_and_back(PastRecord{ChangeRecord::Kind::rollback,
                                     {3, "d"},
                                     {"shop"},
                                     {"app1"},
                                     "root",
                                     "web1",
                                     WallTime(4),
                                     {"c", ChangeRecord::Phase::failed, WallTime(5), {"why"}}});
    expect_there_and_back(OrdersRecord{{{"i-1", "drain", "app1", "root", "web1", "--force", WallTime(4)},
                                        {"i-2", "cluster accept", {}, "root", "web1", {}, WallTime(5)}}});
    expect_there_and_back(OrdersRecord());
    expect_there_and_back(VipRecord{"web1", "i"});
    expect_there_and_back(VipRecord());
    expect_there_and_back(ConvergingRecord{{"app1", "web1"}});
    expect_there_and_back(StoreRecord{"i1/51", {"i0/1", "i2/3"}, "root", WallTime(5)});
}

TEST(Records, OfWhatAMachineRemembersTheSame) {
    const Memory memory{
        18'446'744'073'709'551'615U, 77, {"i1/51", {"i0/1"}, "root", WallTime(5)}, 9, {8, "d8"}, true, true, {"app1"}};
    EXPECT_EQ(decode_memory(encode(memory)).value(), memory);
}

TEST(Records, OfAChangeAcrossAThousandMachinesAreSmall) {
    ChangeRecord large = change();
    large.machines.clear();
    for (int i = 0; i < 1'000; ++i) large.machines.push_back({"web" + std::to_string(i)});
    EXPECT_LT(encode(large).size(), 15'000U);
    expect_there_and_back(large);
}

TEST(Records, MayHoldMoreThanThisMpsupKnows) {
    EXPECT_TRUE(decode<VipRecord>(R"({"machine":"web1","colour":"blue"})"));
    const auto orders = decode<OrdersRecord>(R"({"past":[{"kind":"paint","colour":"blue"}]})");
    ASSERT_TRUE(orders);
    EXPECT_EQ(orders->past.at(0).kind, "paint");
}

TEST(Records, ThatAreWrongAreRefusedAndSaySo) {
    const std::pair<const char*, const char*> wrong[] = {
        {"", "JSON"},
        {"[]", "JSON"},
        {R"({"id":"c"})", "kind"},
        {R"({"id":"c","kind":"up","phase":"singing","owner":"a","instance":"i"})", "phase"},
        {R"({"id":"c","kind":"up","phase":"done","owner":"a","instance":"i","machines":["a"],"states":""})", "states"},
        {R"({"id":"c","kind":"up","phase":"done","owner":"a","instance":"i","machines":["a"],"states":"x"})", "states"},
        {R"({"id":"c","kind":"up","phase":"done","owner":"a","instance":"i","machines":["a","a"],"states":"ww"})",
         "machines"},
        {R"({"id":"c","kind":"up","phase":"done","owner":"a","instance":"i","at":-1})", "at"},
        {R"({"id":7,"kind":"up","phase":"done","owner":"a","instance":"i"})", "id"},
    };
    for (const auto& [text, what] : wrong) {
        const auto record = decode<ChangeRecord>(text);
        ASSERT_FALSE(record) << text;
        EXPECT_NE(record.error().what.find(what), std::string::npos) << record.error().what;
    }
    EXPECT_FALSE(decode<StoreRecord>(R"({"replaces":["i0"]})"));
    EXPECT_FALSE(decode<TopologyRecord>(R"({"digest":"d"})"));
    EXPECT_FALSE(decode<PastRecord>(R"({"kind":"restart"})")) << "without its end";
    EXPECT_FALSE(decode<OrdersRecord>(R"({"past":[{"id":"i-1"}]})"));
    EXPECT_FALSE(decode<VipRecord>("{\"machine\":\"" + std::string(300, 'a') + "\"}"));
}

// What a program says may be anything; a record that nobody can read would take its machine out of the site.
TEST(Records, HoldWhatIsNoTextAsFarAsItIs) {
    MachineRecord record{"i", "b"};
    record.report = {
        "c", Round::rolling, Report::State::failed, {"\xff\xfe bad \xc3\xa4 \xed\xa0\x80", std::string(100'000, 'x')}};
    const auto back = decode<MachineRecord>(encode(record));
    ASSERT_TRUE(back) << back.error().to_string();
    EXPECT_EQ(back->report.reasons.front(), "?? bad \xc3\xa4 ???");
    EXPECT_LT(back->report.reasons.back().size(), 10'000U);
}

TEST(Records, ANameOfAnyLengthThatIsReadIsWrittenWhole) {
    for (const std::size_t size : {1, 251, 252, 253, 254, 255}) {
        const VipRecord record{std::string(size, 'm'), "i"};
        const auto again = decode<VipRecord>(encode(record));
        ASSERT_TRUE(again) << size;
        EXPECT_EQ(*again, record) << size;
    }
}

} // namespace
} // namespace mpsup::cluster
