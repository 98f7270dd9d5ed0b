#include "state/schema.h"

#include "database_folder.h"

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
              "events,health_samples,process_samples,processes,topologies,workers");
}

TEST_F(Schema, IsLeftAloneWhenItIsThere) {
    SQLite::Database database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database);
    database.exec("INSERT INTO workers VALUES ('a', 'ready', 1, '{}', 0)");
    migrate(database);
    EXPECT_EQ(database.execAndGet("SELECT count(*) FROM workers").getInt(), 1);
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
