#include "tests/supervisor/cluster/member_fixture.h"

namespace mpsup::cluster {
namespace {

class MemberStoresTest : public MemberFixture {};

TEST_F(MemberStoresTest, AnotherStoreOrdersNothingUntilItIsAccepted) {
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

TEST_F(MemberStoresTest, AStoreThatWentBackIsAnotherStore) {
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

TEST_F(MemberStoresTest, AStoreThatIsAcceptedIsNamedLikeNoneBefore) {
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

TEST_F(MemberStoresTest, WhereAnotherRunsWhatTheStoreSaysAcceptingItIsToJoin) {
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

TEST_F(MemberStoresTest, WhereNothingIsWantedAndSomethingRunsNothingIsBroughtUp) {
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

TEST_F(MemberStoresTest, NewsFromThePastAreNoNews) {
    start();
    web1_is_there();
    take<Relist>();
    revision -= 1;
    write(keys.fence("web1"), encode(FenceRecord{true}));
    write(keys.fence("web1"), encode(FenceRecord{true}));
    EXPECT_LE(take<Relist>().size(), 1U);
}

} // namespace
} // namespace mpsup::cluster
