#include "state/free_query.h"

#include "database_folder.h"
#include "state/changes.h"
#include "state/database_file.h"

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;

class FreeQuery : public DatabaseFolder {
protected:
    void SetUp() override {
        DatabaseFile file(path_);
        apply(file.database(), event("one"));
    }
    [[nodiscard]] Result<Answer> ask(const std::string& sql, const FreeQueryLimits& limits = {}) const {
        return run_free_query(path_, sql, limits);
    }
};

TEST_F(FreeQuery, AnswersWithEveryKindOfValue) {
    const auto answer = ask("SELECT NULL AS a, 42, 1.5, 'text', x'00ff', reason FROM events; -- and that was all");
    ASSERT_TRUE(answer) << answer.error().to_string();
    EXPECT_EQ(answer->columns.at(0), "a");
    ASSERT_EQ(answer->rows.size(), 1U);
    EXPECT_EQ(answer->rows[0], (std::vector<Cell>{std::monostate{}, std::int64_t{42}, 1.5, std::string("text"),
                                                  std::string("00ff"), std::string("one")}));
    EXPECT_FALSE(answer->is_cut);
}

TEST_F(FreeQuery, AnswersToWhatDescribes) {
    EXPECT_FALSE(ask("PRAGMA table_info(events)").value().rows.empty());
    EXPECT_EQ(ask("PRAGMA user_version").value().rows.size(), 1U);
    EXPECT_FALSE(ask("SELECT name FROM sqlite_schema").value().rows.empty());
    EXPECT_EQ(ask("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3) SELECT sum(i) FROM n")
                  .value()
                  .rows[0][0],
              Cell(std::int64_t{6}));
}

TEST_F(FreeQuery, ChangesNothing) {
    for (const char* sql : {"DELETE FROM events",
                            "INSERT INTO workers VALUES ('a', 'b', 1, '', 2)",
                            "UPDATE events SET reason = ''",
                            "DROP TABLE events",
                            "CREATE TABLE t (a)",
                            "CREATE TEMP TABLE t (a)",
                            "ATTACH '/tmp/x' AS x",
                            "DETACH main",
                            "VACUUM",
                            "VACUUM INTO '/tmp/x'",
                            "PRAGMA query_only = 0",
                            "PRAGMA user_version = 9",
                            "PRAGMA journal_mode = DELETE",
                            "PRAGMA writable_schema = 1",
                            "PRAGMA wal_checkpoint(TRUNCATE)",
                            "PRAGMA optimize",
                            "PRAGMA temp_store_directory = '/tmp'",
                            "SELECT load_extension('/tmp/x.so')",
                            "BEGIN",
                            "BEGIN EXCLUSIVE",
                            "REINDEX",
                            "ANALYZE",
                            "SAVEPOINT a",
                            "SELECT 1; DELETE FROM events",
                            "SELECT 1; SELECT 2"})
        EXPECT_FALSE(ask(sql)) << sql;
    EXPECT_EQ(scalar("SELECT count(*) || reason FROM events"), "1one");
    EXPECT_EQ(scalar("PRAGMA journal_mode"), "wal");
}

TEST_F(FreeQuery, SaysWhatIsWrong) {
    EXPECT_EQ(ask("SELECT nowhere FROM events").error().to_string(), "no such column: nowhere");
    EXPECT_EQ(ask("").error().to_string(), "there is no statement");
    EXPECT_EQ(ask("DELETE FROM events").error().to_string(),
              "nothing can be changed: ask by SELECT, EXPLAIN or a PRAGMA that describes");
    EXPECT_EQ(run_free_query(path_ + ".not", "SELECT 1").error().code, std::errc::no_such_file_or_directory);
}

TEST_F(FreeQuery, EndsWithinItsLimits) {
    constexpr auto endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT ";
    EXPECT_EQ(ask(std::string(endless) + "count(*) FROM n", {.time = 20ms}).error().code, std::errc::timed_out);
    const auto cut = ask(std::string(endless) + "i FROM n", {.rows = 5});
    ASSERT_TRUE(cut);
    EXPECT_EQ(cut->rows.size(), 5U);
    EXPECT_TRUE(cut->is_cut);
    EXPECT_FALSE(ask("SELECT zeroblob(100000000)"));
}

} // namespace
} // namespace mpsup::state
