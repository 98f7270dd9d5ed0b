#include "state/database_file.h"

#include "base/fd.h"
#include "state/rows.h"
#include "state/schema.h"

#include <SQLiteCpp/Exception.h>

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sqlite3.h>
#include <sys/stat.h>
#include <vector>

namespace mpsup::state {

namespace {

namespace fs = std::filesystem;

constexpr int busy_ms = 50; // SQLite's own wait for a lock; the writer retries
constexpr std::size_t quarantined_kept = 3;

std::string quick_check(SQLite::Database& database) { return database.execAndGet("PRAGMA quick_check(1)").getString(); }

/// In the order in which they were put aside.
std::vector<std::string> put_aside_earlier(const std::string& path) {
    const auto prefix = path + ".damaged-";
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), error))
        if (const auto name = entry.path().string(); name.starts_with(prefix) && !name.ends_with("-wal"))
            found.push_back(name);
    std::ranges::sort(found);
    return found;
}

void configure(SQLite::Database& database) {
    // The log stays on a clean close: a read-only connection could not create it.
    int keep_log = 1;
    ::sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA wal_autocheckpoint = 1000");
    database.exec("PRAGMA journal_size_limit = 4194304");
    database.exec("PRAGMA temp_store = MEMORY");
    database.exec("PRAGMA cache_size = -512");
}

} // namespace

Trouble classify(int sqlite_code) noexcept {
    switch (sqlite_code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: // our own statements do not fit its tables
    case SQLITE_NOTADB: return Trouble::damage;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT: return Trouble::passing;
    default: return Trouble::refused;
    }
}

NewerSchema::NewerSchema(int version)
    : SQLite::Exception("the database has schema " + std::to_string(version) + ", this program knows " +
                        std::to_string(newest_schema()) + "; it is left as it is") {}

DatabaseFile::DatabaseFile(const std::string& path) : path_(path) {
    // SQLite would create it with the umask's permissions.
    if (auto created = open_file(path, O_RDWR | O_CREAT, 0600); !created)
        throw SQLite::Exception(created.error().to_string(), SQLITE_CANTOPEN);
    database_ = std::make_unique<SQLite::Database>(path, SQLite::OPEN_READWRITE, busy_ms);
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) throw SQLite::Exception("it is gone: " + path, SQLITE_CANTOPEN);
    device_ = status.st_dev;
    inode_ = status.st_ino;

    const int owner = database_->execAndGet("PRAGMA application_id").getInt();
    const int version = database_->execAndGet("PRAGMA user_version").getInt();
    const bool fresh = database_->execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0;
    if (!fresh && owner != application_id) throw SQLite::Exception("it is another program's database", SQLITE_NOTADB);
    if (version > newest_schema()) throw NewerSchema(version);
    configure(*database_);
    if (const auto verdict = quick_check(*database_); verdict != "ok") throw SQLite::Exception(verdict, SQLITE_CORRUPT);
    migrate(*database_);
}

bool DatabaseFile::was_replaced() const {
    struct stat status{};
    return ::stat(path_.c_str(), &status) != 0 || status.st_dev != device_ || status.st_ino != inode_;
}

std::uint64_t DatabaseFile::wal_bytes() const {
    std::error_code error;
    const auto size = fs::file_size(path_ + "-wal", error);
    return error ? 0 : size;
}

void DatabaseFile::checkpoint() { database_->exec("PRAGMA wal_checkpoint(TRUNCATE)"); }

Result<std::string> quarantine(const std::string& path) {
    const auto prefix = path + ".damaged-";
    auto earlier = put_aside_earlier(path);
    // Ordered by name even when several are put aside in one millisecond, or the clock went back.
    auto aside = prefix + std::to_string(Stamp::now().wall_ms);
    if (!earlier.empty() && aside <= earlier.back())
        aside = prefix + std::to_string(std::strtoll(earlier.back().c_str() + prefix.size(), nullptr, 10) + 1);
    std::error_code error;
    fs::rename(path, aside, error);
    if (error) return std::unexpected(Error{"rename " + path + " aside", error});
    fs::rename(path + "-wal", aside + "-wal", error);
    fs::remove(path + "-shm", error);

    for (std::size_t i = 0; i + quarantined_kept <= earlier.size(); ++i) {
        fs::remove(earlier[i], error);
        fs::remove(earlier[i] + "-wal", error);
    }
    return aside;
}

} // namespace mpsup::state
