#include "state/store.h"

#include "database_folder.h"

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;

class StoreTest : public DatabaseFolder {};

TEST_F(StoreTest, RemembersAfterItIsClosed) {
    {
        auto store = open_store(path_);
        ASSERT_TRUE(store) << store.error().to_string();
        (*store)->event(event("a"));
        (*store)->sample(HealthSample{.worker = "w", .state = "healthy"});
        (*store)->slow(slow("/report", {"a.pl:1 main::a", "b.pl:2 main::b"}));
        (*store)->worker({.worker = "w", .state = "ready"});
    }
    EXPECT_EQ(scalar("SELECT reason FROM events"), "a");
    EXPECT_EQ(scalar("SELECT state FROM health_samples"), "healthy");
    EXPECT_EQ(scalar("SELECT uri || ' ' || frames FROM slow_requests"), "/report a.pl:1 main::a\nb.pl:2 main::b\n");
    EXPECT_EQ(scalar("SELECT state FROM workers"), "ready");
    EXPECT_TRUE(open_store(path_));
}

TEST_F(StoreTest, IsRefusedForALaterSchemaAndLeavesItAlone) {
    {
        ASSERT_TRUE(open_store(path_));
    }
    {
        SQLite::Database(path_, SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
    }
    const auto store = open_store(path_);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, StoreErrc::newer_schema);
    EXPECT_EQ(store.error().to_string(), path_ +
                                             ": the database has schema 99, this program knows 3; it is left as it is: "
                                             "written by a later version of mpsup");
    EXPECT_EQ(scalar("PRAGMA user_version"), "99");
    EXPECT_TRUE(put_aside().empty());
}

TEST(NullStore, AnswersAtOnceAndRemembersNothing) {
    const auto store = make_null_store();
    bool written = true;
    store->intend({}, [&](bool success) { written = success; });
    EXPECT_FALSE(written);
    store->intend({}, {});
    store->started({});
    store->exited({});
    store->event({});
    store->topology({});
    store->worker({});
    store->sample(HealthSample{});
    store->sample(ProcessSample{});
    store->slow({});
    EXPECT_FALSE(store->status().writing);
    EXPECT_TRUE(store->flush(1ms));
}

TEST(StoreError, SaysWhat) {
    EXPECT_EQ(make_error_code(StoreErrc::newer_schema).message(), "written by a later version of mpsup");
    EXPECT_EQ(std::error_code(77, make_error_code(StoreErrc::newer_schema).category()).message(), "unknown");
    EXPECT_STREQ(make_error_code(StoreErrc::newer_schema).category().name(), "mpsup store");
}

} // namespace
} // namespace mpsup::state
