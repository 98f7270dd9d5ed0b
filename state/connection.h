// The connection of a reader. Private to state/.
#pragma once

#include "state/queries.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Statement.h>

#include <chrono>
#include <sqlite3.h>
#include <string>
#include <utility>

namespace mpsup::state {

[[nodiscard]] inline std::uint64_t unsigned_at(SQLite::Statement& row, int column) {
    return static_cast<std::uint64_t>(row.getColumn(column).getInt64());
}

[[nodiscard]] inline Error to_error(const SQLite::Exception& error) {
    const bool late = error.getErrorCode() == SQLITE_INTERRUPT || error.getErrorCode() == SQLITE_BUSY;
    return {std::string("read the history: ") + error.what(),
            late ? std::make_error_code(std::errc::timed_out) : std::error_code{}};
}

struct Queries::Connection {
    using Clock = std::chrono::steady_clock;
    static constexpr int instructions_between_looks = 10'000;

    Connection(const std::string& path, std::chrono::milliseconds time_limit)
        : limit(time_limit), database(path, SQLite::OPEN_READONLY, static_cast<int>(time_limit.count())) {
        ::sqlite3_progress_handler(
            database.getHandle(), instructions_between_looks,
            [](void* self) { return Clock::now() > static_cast<Connection*>(self)->deadline ? 1 : 0; }, this);
    }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Prepares, binds and reads under the time limit; what SQLite throws becomes a value.
    template <typename Read>
    auto run(const char* sql, Read read) -> Result<decltype(read(std::declval<SQLite::Statement&>()))> {
        deadline = Clock::now() + limit;
        try {
            SQLite::Statement rows(database, sql);
            return read(rows);
        } catch (const SQLite::Exception& error) {
            return std::unexpected(to_error(error));
        }
    }

    std::chrono::milliseconds limit;
    Clock::time_point deadline = Clock::now() + limit;
    SQLite::Database database;
};

} // namespace mpsup::state
