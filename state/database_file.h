// The writer's connection to the file, and what becomes of a file that is not what it should be. Private to state/.
#pragma once

#include "base/error.h"

#include <SQLiteCpp/Database.h>

#include <memory>
#include <string>
#include <sys/types.h>

namespace mpsup::state {

/// What a failure means for the writer.
enum class Trouble {
    passing,      // locked, full, read-only, no memory: try again
    damage,       // the file is no database of ours any more: quarantine it
    newer_schema, // leave it alone
    refused,      // what was to be written cannot be, now or later
};
[[nodiscard]] Trouble classify(int sqlite_code) noexcept;

/// Thrown by open when the file was written by a later version.
class NewerSchema : public SQLite::Exception {
public:
    explicit NewerSchema(int version);
};

/// An open, checked and migrated database. For one thread.
class DatabaseFile {
public:
    /// Creates the file (mode 0600) if it is not there. Throws SQLite::Exception: with SQLITE_NOTADB for a database
    /// of another program, SQLITE_CORRUPT for one that fails `PRAGMA quick_check`.
    explicit DatabaseFile(const std::string& path);

    [[nodiscard]] SQLite::Database& database() noexcept { return *database_; }
    /// Is another file, or none, at the path now?
    [[nodiscard]] bool was_replaced() const;
    /// Of the write-ahead log; grows while a reader keeps an old snapshot open.
    [[nodiscard]] std::uint64_t wal_bytes() const;
    /// Folds the write-ahead log into the file and empties it, if no reader is in the way. Throws SQLite::Exception.
    void checkpoint();

private:
    std::string path_;
    std::unique_ptr<SQLite::Database> database_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Renames the file and its write-ahead log aside, and removes the oldest of those put aside earlier: three are kept.
/// Its new path.
[[nodiscard]] Result<std::string> quarantine(const std::string& path);

} // namespace mpsup::state
