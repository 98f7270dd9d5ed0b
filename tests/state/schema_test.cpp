#include "state/schema.h"

#include "database_folder.h"
#include "state/database_file.h"
#include "version_1.h"
#include "version_2.h"

#include <SQLiteCpp/Exception.h>

namespace mpsup::state {
namespace {

class Schema : public DatabaseFolder {};

TEST_F(Schema, IsMadeFromNothingAndStampedWithItsVersion) {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database);
    EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), newest_schema());
    EXPECT_EQ(database.execAndGet("PRAGMA application_id").getInt(), application_id);
    EXPECT_EQ(database
                  .execAndGet("SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'table' "
                              "AND name NOT LIKE 'sqlite%' ORDER BY name)")
                  .getString(),
              "events,health_minutes,health_samples,process_samples,processes,rollouts,slow_requests,topologies,"
              "worker_states,workers");
}

TEST_F(Schema, IsLeftAloneWhenItIsThere) {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database);
    database.exec("INSERT INTO workers VALUES ('a', 'ready', 1, '{}', 0)");
    migrate(database);
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM workers").getInt(), 1);
}

TEST_F(Schema, OfTheFirstVersionIsBroughtUpToDateAndKeepsItsRows) {
    constexpr auto whole = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
    {
        SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(version_1);
    }
    EXPECT_EQ(Queries::open(path_).error().code, std::errc::not_supported);
    {
        DatabaseFile file(path_);
        SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        migrate(fresh);
        EXPECT_EQ(file.database().execAndGet(whole).getString(), fresh.execAndGet(whole).getString());
    }
    EXPECT_EQ(scalar("PRAGMA user_version"), std::to_string(newest_schema()));
    const auto queries = Queries::open(path_);
    ASSERT_TRUE(queries) << queries.error().to_string();
    EXPECT_EQ(queries->events({}).value().at(0).event.reason, "as it was");
    EXPECT_EQ(queries->living().value().at(0).start.pid, 77);
    EXPECT_EQ(queries->last_topology().value().value().digest, "digest");
    EXPECT_EQ(queries->workers().value().at(0).generation, 3U);
    EXPECT_EQ(queries->health("perl", 1).value().at(0).latency_us, 500);
    EXPECT_EQ(scalar("SELECT private_bytes FROM process_samples"), "6");
    EXPECT_TRUE(queries->slow({}).value().empty());
    EXPECT_TRUE(put_aside().empty());
}

TEST_F(Schema, OfTheSecondVersionIsBroughtUpToDateAndSumsUpItsSamples) {
    constexpr auto whole = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)";
    {
        SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec(version_2);
    }
    {
        DatabaseFile file(path_);
        SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        migrate(fresh);
        EXPECT_EQ(file.database().execAndGet(whole).getString(), fresh.execAndGet(whole).getString());
    }
    const auto queries = Queries::open(path_);
    ASSERT_TRUE(queries) << queries.error().to_string();
    EXPECT_EQ(queries->slow({}).value().at(0).slow.uri, "/slow");
    EXPECT_EQ(scalar("SELECT last_lines FROM processes"), "");
    EXPECT_EQ(scalar("SELECT group_concat(minute_ms || ' ' || probes || ' ' || failed || ' ' || latency_mean_us || ' ' "
                     "|| latency_max_us) FROM health_minutes"),
              "0 2 1 500 500,60000 1 0 700 700");
    EXPECT_EQ(scalar("SELECT count(*) FROM rollouts"), "0");
    EXPECT_EQ(scalar("SELECT count(*) FROM worker_states"), "0");
    EXPECT_TRUE(put_aside().empty());
}

TEST_F(Schema, IsMadeWhollyOrNotAtAll) {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("CREATE TABLE events (id)"); // in the way
    EXPECT_THROW(migrate(database), SQLite::Exception);
    EXPECT_EQ(database.execAndGet("PRAGMA user_version").getInt(), 0);
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt(), 1);
}

TEST_F(Schema, RefusesValuesOfTheWrongKind) {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database);
    EXPECT_THROW(database.exec("INSERT INTO workers VALUES ('a', 'ready', 'many', '{}', 0)"), SQLite::Exception);
    EXPECT_THROW(database.exec("INSERT INTO processes (uuid, worker, generation, role, intended_ms) "
                               "VALUES ('u', 'w', 1, 'zygote', 0)"),
                 SQLite::Exception);
}

} // namespace
} // namespace mpsup::state
