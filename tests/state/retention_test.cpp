#include "state/retention.h"

#include "database_folder.h"
#include "state/changes.h"
#include "state/database_file.h"

namespace mpsup::state {
namespace {

class RetentionTest : public DatabaseFolder {};

TEST_F(RetentionTest, KeepsTheNewestAndWhatMayStillLive) {
    DatabaseFile file(path_);
    auto& database = file.database();
    for (int i = 0; i < 10; ++i) {
        apply(database, event(std::to_string(i)));
        apply(database, TopologyRow{.digest = std::to_string(i)});
        apply(database, HealthSample{.worker = "w", .state = std::to_string(i)});
        apply(database, ProcessSample{.uuid = std::to_string(i)});
        apply(database, slow("/" + std::to_string(i)));
        apply(database, process("u" + std::to_string(i)));
        if (i != 0) apply(database, ProcessExit{.uuid = "u" + std::to_string(i), .at = {100 + i, 0}});
    }
    prune(database, {.events = 3, .samples = 4, .topologies = 2, .slow_requests = 6, .ended_processes = 5});
    const auto list = [&](const std::string& column, const std::string& table) {
        return database.execAndGet("SELECT group_concat(" + column + ") FROM (SELECT * FROM " + table + " ORDER BY 1)")
            .getString();
    };
    EXPECT_EQ(list("reason", "events"), "7,8,9");
    EXPECT_EQ(list("digest", "topologies"), "8,9");
    EXPECT_EQ(list("state", "health_samples"), "6,7,8,9");
    EXPECT_EQ(list("uuid", "process_samples"), "6,7,8,9");
    EXPECT_EQ(list("uri", "slow_requests"), "/4,/5,/6,/7,/8,/9");
    EXPECT_EQ(list("uuid", "processes"), "u0,u5,u6,u7,u8,u9");
}

TEST_F(RetentionTest, KeepsWhereEachWorkerStoodWhenTheHistoryBegins) {
    DatabaseFile file(path_);
    const auto said = [&](const std::string& worker, std::int64_t at_ms, std::uint32_t ready) {
        apply(file.database(), WorkerRow{.worker = worker, .state = "ready", .at = {at_ms, 0}, .ready = ready});
    };
    said("quiet", 1, 1);
    for (std::uint32_t i = 2; i <= 6; ++i) said("lively", i, i);
    prune(file.database(), {.worker_states = 2});
    EXPECT_EQ(scalar("SELECT group_concat(worker || at_ms || '/' || ready) FROM (SELECT * FROM worker_states ORDER BY "
                     "id)"),
              "quiet4/1,lively4/4,lively5/5,lively6/6");
}

TEST_F(RetentionTest, KeepsWhatIsYoungEnough) {
    DatabaseFile file(path_);
    for (std::int64_t at = 0; at <= 300'000; at += 60'000) {
        apply(file.database(), HealthSample{.worker = "w", .state = "healthy", .at = {at, 0}});
        apply(file.database(), ProcessSample{.uuid = "u", .at = {at, 0}});
    }
    using std::chrono::seconds;
    trim(file.database(), {.raw = seconds(60), .minute = seconds(180)}, 300'000);
    EXPECT_EQ(scalar("SELECT group_concat(at_ms) FROM health_samples"), "240000,300000");
    EXPECT_EQ(scalar("SELECT group_concat(at_ms) FROM process_samples"), "240000,300000");
    EXPECT_EQ(scalar("SELECT group_concat(minute_ms) FROM health_minutes"), "120000,180000,240000,300000");
}

TEST_F(RetentionTest, OfATooLargeDatabaseTheOldestSamplesGoFirstAFewAtATime) {
    DatabaseFile file(path_);
    apply(file.database(), event("kept while there is anything else"));
    file.database().exec("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
                         "INSERT INTO health_samples SELECT i, 1000000, 0, 'w', 1, 'healthy', 1, '' FROM n");
    const Keep keep{.raw = std::chrono::hours(1), .minute = std::chrono::hours(1), .max_bytes = 1};
    trim(file.database(), keep, 1'000'000);
    EXPECT_EQ(scalar("SELECT count(*) || ' ' || min(id) FROM health_samples"), "1000 2001");
    trim(file.database(), keep, 1'000'000);
    EXPECT_EQ(scalar("SELECT count(*) FROM health_samples"), "0");
    EXPECT_EQ(scalar("SELECT count(*) FROM events"), "1");
    trim(file.database(), keep, 1'000'000);
    EXPECT_EQ(scalar("SELECT count(*) FROM events"), "0");
}

TEST_F(RetentionTest, DeletesNothingBelowItsLimits) {
    DatabaseFile file(path_);
    apply(file.database(), event("only"));
    prune(file.database(), {});
    EXPECT_EQ(file.database().execAndGet("SELECT count(*) FROM events").getInt(), 1);
}

} // namespace
} // namespace mpsup::state
