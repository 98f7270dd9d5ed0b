#include "state/free_query.h"

#include <algorithm>
#include <array>
#include <memory>
#include <sqlite3.h>
#include <string_view>
#include <sys/stat.h>

namespace mpsup::state {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int instructions_between_looks = 10'000;
constexpr int longest_value = 16 << 20;
constexpr std::int64_t most_memory = 256 << 20;

struct Close {
    void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
};
struct Finalize {
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

int may(void* /*self*/, int action, const char* first, const char* second, const char* /*database*/,
        const char* /*trigger*/) {
    constexpr std::array describing{"table_info",   "table_xinfo",  "table_list",     "index_list",
                                    "index_info",   "index_xinfo",  "database_list",  "integrity_check",
                                    "quick_check",  "page_count",   "page_size",      "freelist_count",
                                    "user_version", "journal_mode", "application_id", "function_list"};
    // With an argument these only name what is to be described.
    constexpr std::string_view with_argument = "table_info table_xinfo index_list index_info index_xinfo";
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE: return SQLITE_OK;
    case SQLITE_FUNCTION: return second && std::string_view(second) == "load_extension" ? SQLITE_DENY : SQLITE_OK;
    case SQLITE_PRAGMA: {
        const std::string_view name = first ? first : "";
        const bool describes = std::ranges::any_of(describing, [&](const char* each) { return name == each; });
        return describes && (!second || with_argument.contains(name)) ? SQLITE_OK : SQLITE_DENY;
    }
    default: return SQLITE_DENY;
    }
}

std::unexpected<Error> trouble(sqlite3* database, int code) {
    const bool late = (code & 0xFF) == SQLITE_INTERRUPT || (code & 0xFF) == SQLITE_BUSY;
    const bool forbidden = (code & 0xFF) == SQLITE_AUTH;
    const std::string what = late        ? "it took too long"
                             : forbidden ? "nothing can be changed: ask by SELECT, EXPLAIN or a PRAGMA that describes"
                             : database  ? ::sqlite3_errmsg(database)
                                         : ::sqlite3_errstr(code);
    return std::unexpected(Error{what, late ? std::make_error_code(std::errc::timed_out) : std::error_code{}});
}

Result<Database> open(const std::string& path, Clock::time_point& deadline, const FreeQueryLimits& limits) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return system_failure("open " + path);
    ::sqlite3_hard_heap_limit64(most_memory);
    sqlite3* opened = nullptr;
    const int code = ::sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr);
    Database database(opened);
    if (code != SQLITE_OK) return trouble(opened, code);
    ::sqlite3_busy_timeout(opened, static_cast<int>(limits.time.count()));
    ::sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, longest_value);
    ::sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    ::sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr); // the file may be somebody's trap
    if (const int set =
            ::sqlite3_exec(opened, "PRAGMA query_only = 1; PRAGMA temp_store = MEMORY", nullptr, nullptr, nullptr);
        set != SQLITE_OK)
        return trouble(opened, set);
    ::sqlite3_set_authorizer(opened, may, nullptr);
    ::sqlite3_progress_handler(
        opened, instructions_between_looks,
        [](void* until) { return Clock::now() > *static_cast<Clock::time_point*>(until) ? 1 : 0; }, &deadline);
    return database;
}

std::string_view bytes(const void* data, int size) {
    return data ? std::string_view(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string_view();
}

Cell cell_of(sqlite3_stmt* row, int column) {
    switch (::sqlite3_column_type(row, column)) {
    case SQLITE_NULL: return std::monostate{};
    case SQLITE_INTEGER: return std::int64_t{::sqlite3_column_int64(row, column)};
    case SQLITE_FLOAT: return ::sqlite3_column_double(row, column);
    case SQLITE_TEXT: {
        const auto* text = ::sqlite3_column_text(row, column);
        return std::string(bytes(text, ::sqlite3_column_bytes(row, column)));
    }
    default: break;
    }
    const auto* blob = ::sqlite3_column_blob(row, column);
    std::string digits;
    for (const char byte : bytes(blob, ::sqlite3_column_bytes(row, column))) {
        digits += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
        digits += "0123456789abcdef"[static_cast<unsigned char>(byte) & 0xF];
    }
    return digits;
}

// The statement, if it is the only one.
Result<Statement> prepare(sqlite3* database, const std::string& sql) {
    sqlite3_stmt* prepared = nullptr;
    const char* rest = nullptr;
    const int code = ::sqlite3_prepare_v2(database, sql.c_str(), static_cast<int>(sql.size()), &prepared, &rest);
    Statement statement(prepared);
    if (code != SQLITE_OK) return trouble(database, code);
    if (!statement) return failure("there is no statement");
    sqlite3_stmt* second = nullptr;
    const int more = ::sqlite3_prepare_v2(database, rest, -1, &second, nullptr);
    const Statement ended(second);
    if (second || more != SQLITE_OK) return failure("one statement at a time");
    return statement;
}

} // namespace

Result<Answer> run_free_query(const std::string& path, const std::string& sql, const FreeQueryLimits& limits) {
    auto deadline = Clock::now() + limits.time;
    auto database = open(path, deadline, limits);
    if (!database) return std::unexpected(database.error());
    auto statement = prepare(database->get(), sql);
    if (!statement) return std::unexpected(statement.error());
    sqlite3_stmt* rows = statement->get();
    Answer answer;
    const int columns = ::sqlite3_column_count(rows);
    for (int i = 0; i < columns; ++i) answer.columns.emplace_back(::sqlite3_column_name(rows, i));
    for (;;) {
        const int code = ::sqlite3_step(rows);
        if (code == SQLITE_DONE) return answer;
        if (code != SQLITE_ROW) return trouble(database->get(), code);
        answer.is_cut = answer.rows.size() == limits.rows;
        if (answer.is_cut) return answer;
        auto& row = answer.rows.emplace_back();
        for (int i = 0; i < columns; ++i) row.push_back(cell_of(rows, i));
    }
}

} // namespace mpsup::state
