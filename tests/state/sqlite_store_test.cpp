#include "state/sqlite_store.h"

#include "database_folder.h"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Transaction.h>

#include <csignal>
#include <fstream>
#include <future>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class SqliteStoreTest : public DatabaseFolder {
protected:
    /// What `done` was called with; nothing when it was not called within ten seconds.
    [[nodiscard]] static std::optional<bool> outcome_of_intent(SqliteStore& store, const std::string& uuid) {
        auto promise = std::make_shared<std::promise<bool>>();
        auto future = promise->get_future();
        store.intend(process(uuid), [promise](bool written) { promise->set_value(written); });
        if (future.wait_for(10s) != std::future_status::ready) return std::nullopt;
        return future.get();
    }
    [[nodiscard]] std::string events() const {
        std::string text;
        const auto events = Queries::open(path_).value().events({.limit = 100'000});
        for (const auto& recorded : events.value()) text += recorded.event.reason.substr(0, 1);
        return text;
    }
};

TEST_F(SqliteStoreTest, HasWrittenAnIntentWhenItSaysSo) {
    SqliteStore store(path_);
    EXPECT_EQ(outcome_of_intent(store, "u"), true);
    EXPECT_EQ(scalar("SELECT uuid FROM processes"), "u");
    store.started({process("u"), 7, 8, "boot"});
    store.exited({.uuid = "u", .status = ExitStatus::exited(0), .reason = "planned"});
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(scalar("SELECT pid || boot_id || how_ended || reason FROM processes"), "7bootexitedplanned");
    EXPECT_TRUE(store.status().writing);
    EXPECT_EQ(store.status().queued, 0U);
}

TEST_F(SqliteStoreTest, KeepsTheOrderOfWhatWasSaid) {
    SqliteStore store(path_);
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
        expected += static_cast<char>('a' + i % 26);
        store.event(event(std::string(1, expected.back())));
    }
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(events(), expected);
}

TEST_F(SqliteStoreTest, WritesSamplesSoonWithoutBeingAsked) {
    SqliteStore store(path_);
    ASSERT_EQ(store.wait_until_opened(10s), std::nullopt);
    store.sample(ProcessSample{.uuid = "u", .requests = 5});
    // Polled because nothing tells when: a second, or ten on a busy machine.
    const auto deadline = Clock::now() + 10s;
    while (store.status().queued > 0 && Clock::now() < deadline) std::this_thread::yield();
    EXPECT_EQ(scalar("SELECT requests FROM process_samples"), "5");
}

TEST_F(SqliteStoreTest, NeverWaitsForALockedDatabaseAndCatchesUp) {
    SqliteStore store(path_);
    ASSERT_EQ(outcome_of_intent(store, "before"), true);
    SQLite::Database other(path_, SQLite::OPEN_READWRITE, 5000);
    {
        SQLite::Transaction exclusive(other, SQLite::TransactionBehavior::EXCLUSIVE);
        const auto start = Clock::now();
        for (int i = 0; i < 100; ++i) store.event(event("e"));
        EXPECT_LT(Clock::now() - start, 100ms);
        EXPECT_EQ(outcome_of_intent(store, "during"), false);
        EXPECT_LT(Clock::now() - start, 5s);
        EXPECT_FALSE(store.status().writing);
        EXPECT_NE(store.status().problem.find("locked"), std::string::npos) << store.status().problem;
        EXPECT_FALSE(store.flush(1ms));
    }
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(events().size(), 100U);
    EXPECT_EQ(scalar("SELECT count(*) FROM processes"), "2"); // what came late is not lost
    EXPECT_TRUE(store.status().writing);
}

TEST_F(SqliteStoreTest, OpensWhenTheLockIsLetGo) {
    {
        const DatabaseFile made(path_);
    }
    auto other = std::make_optional<SQLite::Database>(path_, SQLite::OPEN_READWRITE, 5000);
    other->exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO workers VALUES ('w', 's', 1, '', 0)");
    SqliteStore store(path_);
    EXPECT_EQ(store.wait_until_opened(10s), std::nullopt);
    EXPECT_EQ(outcome_of_intent(store, "during"), false);
    other->exec("COMMIT");
    other.reset();
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(scalar("SELECT uuid FROM processes"), "during");
}

TEST_F(SqliteStoreTest, TellsAfterwardsHowLongItCouldNotWrite) {
    SqliteStore store(path_);
    ASSERT_EQ(outcome_of_intent(store, "before"), true);
    {
        SQLite::Database other(path_, SQLite::OPEN_READWRITE, 5000);
        SQLite::Transaction exclusive(other, SQLite::TransactionBehavior::EXCLUSIVE);
        // A second must pass; intents that are given up measure it.
        for (int i = 0; i < 6; ++i) EXPECT_EQ(outcome_of_intent(store, std::to_string(i)), false);
    }
    ASSERT_TRUE(store.flush(10s));
    ASSERT_TRUE(store.flush(10s));
    EXPECT_EQ(scalar("SELECT kind FROM events"), "store_recovered");
    EXPECT_EQ(scalar("SELECT reason FROM events").substr(0, 29), "nothing could be written for ");
    EXPECT_NE(scalar("SELECT reason FROM events").find("locked"), std::string::npos);
}

TEST_F(SqliteStoreTest, DropsSamplesFirstWhenThereIsNoRoom) {
    {
        const DatabaseFile made(path_);
    }
    SQLite::Database other(path_, SQLite::OPEN_READWRITE, 5000);
    SQLite::Transaction exclusive(other, SQLite::TransactionBehavior::EXCLUSIVE);
    SqliteStore store(path_, {.queued_rows = 50, .queued_samples = 5});
    store.event(event("first"));
    // The writer holds the first batch in its hand and waits: only then the queue's room is known.
    const auto deadline = Clock::now() + 10s;
    while (store.status().problem.find("locked") == std::string::npos && Clock::now() < deadline)
        std::this_thread::yield();
    for (int i = 0; i < 20; ++i) store.sample(HealthSample{.worker = "w"});
    store.slow(slow("/report"));
    EXPECT_EQ(store.status().dropped_samples, 16U);
    for (int i = 0; i < 60; ++i) store.event(event("e"));
    EXPECT_EQ(store.status().dropped_rows, 10U);
    bool told = false;
    store.intend(process("u"), [&](bool written) { told = !written; });
    EXPECT_TRUE(told); // at once
    EXPECT_EQ(store.status().dropped_rows, 11U);
    exclusive.commit();
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(events().size(), 51U);
}

TEST_F(SqliteStoreTest, MakesTheFileAgainWhenItIsDeletedOrReplaced) {
    SqliteStore store(path_);
    store.event(event("a"));
    ASSERT_TRUE(store.flush(10s));
    std::filesystem::remove(path_);
    store.event(event("b"));
    ASSERT_TRUE(store.flush(10s));
    EXPECT_EQ(events(), "/b"); // what became of the file, by its path, comes first
    EXPECT_EQ(scalar("SELECT kind FROM events ORDER BY id LIMIT 1"), "store_damaged");
    std::filesystem::rename(path_, path_ + ".old");
    std::ofstream(path_) << "";
    store.event(event("c"));
    ASSERT_TRUE(store.flush(10s));
    EXPECT_EQ(events(), "/c");
}

TEST_F(SqliteStoreTest, ServesOnWithoutAFolderAndRecovers) {
    std::filesystem::rename(folder_, folder_.string() + ".gone");
    SqliteStore store(path_);
    EXPECT_EQ(outcome_of_intent(store, "u"), false);
    EXPECT_FALSE(store.status().writing);
    std::filesystem::rename(folder_.string() + ".gone", folder_);
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(scalar("SELECT uuid FROM processes"), "u");
}

TEST_F(SqliteStoreTest, ServesOnWithAFileThatIsAFolder) {
    std::filesystem::create_directory(path_);
    SqliteStore store(path_);
    EXPECT_EQ(outcome_of_intent(store, "u"), false);
    std::filesystem::remove(path_);
    EXPECT_TRUE(store.flush(10s));
}

/// A disk without room, for this process: writes beyond fail with EFBIG.
class FileSizeLimit {
public:
    explicit FileSizeLimit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        previous_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, previous_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

private:
    rlimit before_{};
    void (*previous_)(int) = SIG_DFL;
};

TEST_F(SqliteStoreTest, ServesOnWithAFullDiskAndRecovers) {
    SqliteStore store(path_);
    ASSERT_EQ(outcome_of_intent(store, "before"), true);
    {
        const FileSizeLimit limit(128UL << 10);
        store.event(event(std::string(200'000, 'x')));
        EXPECT_EQ(outcome_of_intent(store, "during"), false);
        EXPECT_FALSE(store.status().writing);
    }
    EXPECT_TRUE(store.flush(10s)) << store.status().problem;
    EXPECT_EQ(events(), "x");
    EXPECT_EQ(scalar("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(scalar("SELECT count(*) FROM processes"), "2");
}

TEST_F(SqliteStoreTest, DropsSamplesWhileAReaderKeepsTheLogFromShrinking) {
    SqliteStore store(path_, {.wal_bytes = 100'000});
    ASSERT_EQ(outcome_of_intent(store, "u"), true);
    SQLite::Database reader(path_, SQLite::OPEN_READONLY, 0);
    reader.exec("BEGIN");
    ASSERT_EQ(reader.execAndGet("SELECT count(*) FROM events").getInt(), 0);
    for (int i = 0; i < 40; ++i) {
        store.event(event(std::string(5000, 'x')));
        ASSERT_TRUE(store.flush(10s));
    }
    store.sample(HealthSample{.worker = "w"});
    EXPECT_EQ(store.status().dropped_samples, 1U);
    EXPECT_EQ(outcome_of_intent(store, "v"), true); // intents never
    reader.exec("COMMIT");
    store.event(event("y"));
    ASSERT_TRUE(store.flush(10s));
    store.sample(HealthSample{.worker = "w"});
    EXPECT_EQ(store.status().dropped_samples, 1U);
}

TEST_F(SqliteStoreTest, DropsWhatCannotBeWrittenAndGoesOn) {
    SqliteStore store(path_);
    store.worker({.worker = "w", .state = "s", .status = std::string(1 << 20, 'x')});
    ASSERT_TRUE(store.flush(10s));
    { // a rule of somebody else's that refuses our rows
        SQLite::Database other(path_, SQLite::OPEN_READWRITE, 5000);
        other.exec(
            "CREATE TRIGGER no BEFORE INSERT ON events WHEN new.reason = 'bad' BEGIN SELECT raise(ABORT, 'no'); END");
    }
    store.event(event("bad"));
    store.flush(10s);
    EXPECT_EQ(store.status().dropped_rows, 1U);
    store.event(event("good"));
    EXPECT_TRUE(store.flush(10s));
    EXPECT_EQ(events(), "g");
}

TEST_F(SqliteStoreTest, StopsWritingWhenTheFileBecomesALaterVersions) {
    SqliteStore store(path_);
    ASSERT_EQ(outcome_of_intent(store, "u"), true);
    const auto later = path_ + ".later";
    {
        DatabaseFile(later).database().exec("PRAGMA user_version = 99");
    }
    std::filesystem::rename(later, path_);
    for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(path_ + suffix);
        std::filesystem::rename(later + suffix, path_ + suffix);
    }
    EXPECT_EQ(outcome_of_intent(store, "v"), false);
    EXPECT_EQ(outcome_of_intent(store, "w"), false);
    EXPECT_NE(store.status().problem.find("schema 99"), std::string::npos) << store.status().problem;
    EXPECT_EQ(scalar("SELECT count(*) FROM processes"), "0");
}

TEST_F(SqliteStoreTest, PrunesWhileItWrites) {
    SqliteStore store(path_, {.rows_between_prunes = 10, .retention = {.events = 5}});
    for (int i = 0; i < 40; ++i) {
        store.event(event(std::to_string(i)));
        ASSERT_TRUE(store.flush(10s));
    }
    EXPECT_EQ(scalar("SELECT count(*) FROM events"), "5");
    EXPECT_EQ(scalar("SELECT max(reason) FROM events"), "39");
}

TEST_F(SqliteStoreTest, IsReadWhileItWrites) {
    SqliteStore store(path_);
    ASSERT_EQ(store.wait_until_opened(10s), std::nullopt);
    store.event(event("e"));
    ASSERT_TRUE(store.flush(10s));
    std::jthread reader([&](const std::stop_token& stop) {
        std::size_t seen = 0;
        while (!stop.stop_requested()) {
            const auto events = Queries::open(path_).value().events({.limit = 100'000});
            ASSERT_TRUE(events) << events.error().to_string();
            EXPECT_GE(events->size(), seen);
            seen = events->size();
        }
    });
    for (int i = 0; i < 300; ++i) {
        store.event(event("e"));
        if (i % 3 == 0) store.intend(process("u" + std::to_string(i)), {});
    }
    EXPECT_TRUE(store.flush(10s));
    reader.request_stop();
    reader.join();
    EXPECT_EQ(store.status().dropped_rows, 0U);
    EXPECT_EQ(events().size(), 301U);
}

} // namespace
} // namespace mpsup::state
