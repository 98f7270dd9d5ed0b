// Whatever happened to the file: the store opens, says so, and writes.
#include "state/sqlite_store.h"

#include "database_folder.h"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

namespace mpsup::state {
namespace {

using namespace std::chrono_literals;

class DamagedDatabase : public DatabaseFolder {
protected:
    [[nodiscard]] static std::string bytes_of(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    static void put(const std::string& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    }
    void make(int rows) const {
        SqliteStore store(path_);
        for (int i = 0; i < rows; ++i) store.event(event("event number " + std::to_string(i)));
        store.intend(process("u"), {});
        ASSERT_TRUE(store.flush(10s));
    }
    /// Opens and writes; the kinds of event that were recorded since.
    void expect_writable() const {
        SqliteStore store(path_);
        ASSERT_EQ(store.wait_until_opened(10s), std::nullopt);
        store.event(event("afterwards"));
        ASSERT_TRUE(store.flush(10s)) << store.status().problem;
        EXPECT_EQ(scalar("SELECT reason FROM events ORDER BY id DESC LIMIT 1"), "afterwards");
        EXPECT_EQ(scalar("PRAGMA integrity_check"), "ok");
    }
};

TEST_F(DamagedDatabase, IsPutAsideAndSaidAloud) {
    put(path_, std::string(10'000, 'x'));
    expect_writable();
    ASSERT_EQ(put_aside().size(), 1U);
    EXPECT_EQ(bytes_of(put_aside()[0]), std::string(10'000, 'x'));
    EXPECT_EQ(scalar("SELECT kind FROM events ORDER BY id LIMIT 1"), "store_damaged");
    EXPECT_NE(scalar("SELECT reason FROM events ORDER BY id LIMIT 1").find(put_aside()[0]), std::string::npos);
}

TEST_F(DamagedDatabase, OfAnotherProgramIsKept) {
    {
        SQLite::Database theirs(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        theirs.exec("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (42)");
    }
    expect_writable();
    ASSERT_EQ(put_aside().size(), 1U);
    EXPECT_EQ(SQLite::Database(put_aside()[0]).execAndGet("SELECT a FROM theirs").getInt(), 42);
}

TEST_F(DamagedDatabase, WithoutItsTablesIsPutAside) {
    make(1);
    {
        SQLite::Database(path_, SQLite::OPEN_READWRITE).exec("DROP TABLE events");
    }
    expect_writable();
    EXPECT_EQ(put_aside().size(), 1U);
}

TEST_F(DamagedDatabase, IsReplacedWhileItIsOpen) {
    SqliteStore store(path_);
    for (int i = 0; i < 2000; ++i) store.event(event("event number " + std::to_string(i)));
    ASSERT_TRUE(store.flush(10s));
    { // somebody writes into the file underneath
        SQLite::Database other(path_, SQLite::OPEN_READWRITE);
        other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    const auto size = std::filesystem::file_size(path_);
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    for (std::size_t at = 4096; at + 4096 <= size; at += 4096) {
        file.seekp(static_cast<std::streamoff>(at));
        file << std::string(4096, '\x55');
    }
    file.close();
    for (int i = 0; i < 50; ++i) store.event(event("afterwards"));
    ASSERT_TRUE(store.flush(10s)) << store.status().problem;
    EXPECT_EQ(put_aside().size(), 1U);
    EXPECT_EQ(scalar("SELECT kind FROM events ORDER BY id LIMIT 1"), "store_damaged");
}

TEST_F(DamagedDatabase, SurvivesTwoHundredRandomMutations) {
    make(200);
    const auto database = bytes_of(path_);
    const auto log = bytes_of(path_ + "-wal");
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        auto changed = database;
        auto changed_log = log;
        auto& victim = seed % 4 == 3 && !log.empty() ? changed_log : changed;
        const auto place = [&] { return std::uniform_int_distribution<std::size_t>(0, victim.size() - 1)(random); };
        switch (seed % 3) {
        case 0:
            for (int i = 0; i < 20; ++i) victim[place()] = static_cast<char>(random());
            break;
        case 1: victim.resize(place()); break;
        default: std::ranges::fill_n(victim.begin() + static_cast<std::ptrdiff_t>(place() / 2), 400, '\0'); break;
        }
        for (const auto& aside : put_aside()) std::filesystem::remove(aside);
        std::filesystem::remove(path_ + "-shm");
        put(path_, changed);
        put(path_ + "-wal", changed_log);
        // One that claims to be a later version is left alone: that is no damage.
        SqliteStore store(path_);
        const auto refused = store.wait_until_opened(10s);
        if (refused) {
            EXPECT_EQ(refused->code, StoreErrc::newer_schema);
            continue;
        }
        store.event(event("afterwards"));
        EXPECT_TRUE(store.flush(10s)) << store.status().problem;
        EXPECT_EQ(scalar("PRAGMA quick_check"), "ok");
    }
}

TEST_F(DamagedDatabase, SurvivesMutationsWhileItIsOpen) {
    for (unsigned seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directory(folder_);
        {
            SqliteStore store(path_);
            for (int i = 0; i < 50; ++i) store.event(event("event number " + std::to_string(i)));
            ASSERT_TRUE(store.flush(10s));
            const auto victim = path_ + (seed % 2 == 0 ? "" : "-wal");
            std::fstream file(victim, std::ios::binary | std::ios::in | std::ios::out);
            const auto size = std::filesystem::file_size(victim);
            for (int i = 0; i < 30; ++i) {
                file.seekp(i == 0 ? 0 : static_cast<std::streamoff>(random() % size));
                file.put(static_cast<char>(random()));
            }
            file.close();
            for (int i = 0; i < 50; ++i) store.event(event("afterwards"));
            EXPECT_TRUE(store.flush(10s)) << store.status().problem;
        }
        // A version that is too high by chance is left alone.
        SqliteStore store(path_);
        if (store.wait_until_opened(10s)) continue;
        store.event(event("at last"));
        EXPECT_TRUE(store.flush(10s)) << store.status().problem;
        EXPECT_EQ(scalar("PRAGMA quick_check"), "ok");
    }
}

} // namespace
} // namespace mpsup::state
