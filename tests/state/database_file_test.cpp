#include "state/database_file.h"

#include "database_folder.h"
#include "state/schema.h"

#include <SQLiteCpp/Exception.h>

#include <fstream>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::state {
namespace {

class DatabaseFileTest : public DatabaseFolder {
protected:
    /// The code that opening throws; 0: none.
    [[nodiscard]] int code_of_opening() const {
        try {
            const DatabaseFile file(path_);
            return 0;
        } catch (const SQLite::Exception& error) {
            return error.getErrorCode() & 0xFF;
        }
    }
    void write(const std::string& bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }
};

TEST_F(DatabaseFileTest, IsCreatedForItsOwnerAlone) {
    DatabaseFile file(path_);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(file.database().execAndGet("PRAGMA journal_mode").getString(), "wal");
    EXPECT_FALSE(file.was_replaced());
    EXPECT_GT(file.wal_bytes(), 0U);
    file.checkpoint();
    EXPECT_EQ(file.wal_bytes(), 0U);
}

TEST_F(DatabaseFileTest, KeepsItsLogAfterACleanClose) {
    {
        const DatabaseFile file(path_);
    }
    EXPECT_TRUE(std::filesystem::exists(path_ + "-wal"));
    EXPECT_EQ(code_of_opening(), 0);
}

TEST_F(DatabaseFileTest, RefusesWhatIsNoDatabase) {
    write(std::string(4096, 'x'));
    EXPECT_EQ(code_of_opening(), SQLITE_NOTADB);
    std::filesystem::remove(path_);
    {
        SQLite::Database(path_, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE theirs (a)");
    }
    EXPECT_EQ(code_of_opening(), SQLITE_NOTADB);
}

TEST_F(DatabaseFileTest, RefusesALaterSchemaUntouched) {
    {
        DatabaseFile(path_).database().exec("PRAGMA user_version = 99");
    }
    EXPECT_THROW(DatabaseFile{path_}, NewerSchema);
    EXPECT_EQ(scalar("PRAGMA user_version"), "99");
}

TEST_F(DatabaseFileTest, RefusesAFolder) {
    std::filesystem::create_directory(path_);
    EXPECT_EQ(code_of_opening(), SQLITE_CANTOPEN);
}

TEST_F(DatabaseFileTest, NoticesThatItWasReplaced) {
    const DatabaseFile file(path_);
    std::filesystem::rename(path_, path_ + ".moved");
    EXPECT_TRUE(file.was_replaced());
    write("");
    EXPECT_TRUE(file.was_replaced());
    std::filesystem::rename(path_ + ".moved", path_);
    EXPECT_FALSE(file.was_replaced());
}

TEST_F(DatabaseFileTest, IsPutAsideWithItsLogThreeTimes) {
    for (int i = 0; i < 5; ++i) {
        write("number " + std::to_string(i));
        std::ofstream(path_ + "-wal") << "log";
        const auto aside = quarantine(path_);
        ASSERT_TRUE(aside) << aside.error().to_string();
        EXPECT_FALSE(std::filesystem::exists(path_));
        EXPECT_TRUE(std::filesystem::exists(*aside + "-wal"));
    }
    EXPECT_EQ(put_aside().size(), 3U);
    EXPECT_FALSE(quarantine(path_)); // nothing there
}

TEST(Classification, TellsWhatToDoNext) {
    EXPECT_EQ(classify(SQLITE_BUSY), Trouble::passing);
    EXPECT_EQ(classify(SQLITE_FULL), Trouble::passing);
    EXPECT_EQ(classify(SQLITE_IOERR_FSYNC), Trouble::passing);
    EXPECT_EQ(classify(SQLITE_READONLY_DBMOVED), Trouble::passing);
    EXPECT_EQ(classify(SQLITE_CORRUPT_INDEX), Trouble::damage);
    EXPECT_EQ(classify(SQLITE_NOTADB), Trouble::damage);
    EXPECT_EQ(classify(SQLITE_CONSTRAINT), Trouble::refused);
}

} // namespace
} // namespace mpsup::state
