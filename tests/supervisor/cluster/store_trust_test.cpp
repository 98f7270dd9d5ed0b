#include "supervisor/cluster/store_trust.h"
#include "tests/supervisor/cluster/listed.h"

#include <gtest/gtest.h>

#include <map>

namespace mpsup::cluster {
namespace {

const Keys keys("/mpsup/shop/");

/// A store whose keys a test sets, listed anew each time.
class StoreTrustTest : public testing::Test {
protected:
    void SetUp() override {
        set_store({"i1/1"});
        set_wanted({7, "d7"}, {{6, "d6"}});
        trust.look(view());
        ASSERT_TRUE(trust.is_trusted());
    }
    void set(const std::string& key, const std::string& value) { items[key] = {key, value, revision, ++revision, 0}; }
    void set_store(const StoreRecord& store) { set(keys.store(), encode(store)); }
    void set_wanted(const Version& now, std::vector<Version> earlier = {}) {
        set(keys.wanted(), encode(WantedRecord{now, std::move(earlier)}));
    }
    ClusterView view() const {
        ClusterView view(keys);
        EXPECT_TRUE(view.list(listed(keys.listing(), items, {cluster, revision})));
        return view;
    }
    bool trusts() {
        trust.look(view());
        return trust.is_trusted();
    }
    /// As the next supervisor does, which knows what was written down.
    bool next_one_trusts() {
        trust = StoreTrust(decode_memory(encode(trust.memory())).value());
        return trusts();
    }

    std::uint64_t cluster = 7;
    Revision revision = 50;
    std::map<std::string, KeyValue> items;
    StoreTrust trust{Memory{}};
};

TEST_F(StoreTrustTest, OneThatGoesOnIsTrusted) {
    set_wanted({8, "d8"}, {{6, "d6"}, {7, "d7"}});
    EXPECT_TRUE(trusts());
    set_wanted({7, "d7"}, {{6, "d6"}});
    set(keys.change(), encode(ChangeRecord{.id = "c", .last = 8, .owner = "app1", .instance = "i1"}));
    EXPECT_TRUE(trusts()) << "an order was taken back";
    EXPECT_TRUE(next_one_trusts());
}

TEST_F(StoreTrustTest, OneThatWasEmptiedIsNotHoweverFarItIs) {
    items.clear();
    revision += 1'000;
    EXPECT_FALSE(trusts());
    set_store({"i2/1"});
    set_wanted({9, "d9"});
    EXPECT_FALSE(trusts()) << "somebody else began anew with it";
    EXPECT_FALSE(next_one_trusts());
}

TEST_F(StoreTrustTest, OneThatLostWhatIsWantedIsNot) {
    items.erase(keys.wanted());
    ++revision;
    EXPECT_FALSE(trusts());
}

TEST_F(StoreTrustTest, OneThatWentBackIsNotThoughItHasGrownSince) {
    set_wanted({6, "d6"});
    EXPECT_FALSE(trusts());
    set_wanted({12, "d12"});
    EXPECT_FALSE(trusts());
    EXPECT_FALSE(next_one_trusts());
}

TEST_F(StoreTrustTest, OneThatHasAnotherTopologyOfANumberIsNot) {
    set_wanted({9, "d9"}, {{7, "other"}, {8, "d8"}});
    EXPECT_FALSE(trusts());
}

TEST_F(StoreTrustTest, TheRightOneIsTrustedAgainWhenAWrongOneAnsweredForAWhile) {
    const auto right = items;
    cluster = 8;
    items.clear();
    EXPECT_FALSE(trusts());
    EXPECT_FALSE(next_one_trusts());
    cluster = 7;
    items = right;
    EXPECT_TRUE(trusts());
}

TEST_F(StoreTrustTest, WhatALaterMpsupWroteIsNoLoss) {
    set(keys.wanted(), "[]");
    set(keys.change(), "{}");
    EXPECT_TRUE(trusts());
    set_wanted({6, "d6"});
    set(keys.change(), encode(ChangeRecord{.id = "c", .last = 7, .owner = "app1", .instance = "i1"}));
    EXPECT_TRUE(trusts());
}

TEST_F(StoreTrustTest, OneThatWasAcceptedIsTrustedByAllThatKnewOneOfItsLine) {
    cluster = 8;
    revision = 3;
    items.clear();
    set_wanted({2, "d2"});
    EXPECT_FALSE(trusts());
    set_store({"i3/1", {"i1/1", "i2/1"}});
    EXPECT_TRUE(trusts());
    EXPECT_EQ(trust.memory().last, 2U) << "known anew";
    EXPECT_TRUE(next_one_trusts());
    set_store({"i4/1", {"i2/1"}});
    EXPECT_FALSE(trusts());
}

} // namespace
} // namespace mpsup::cluster
