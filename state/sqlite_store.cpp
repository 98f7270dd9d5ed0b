#include "state/schema.h"
#include "state/store.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <sqlite3.h>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

namespace mpsup {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_limit = 20'000; // writes that wait; beyond it events are lost
constexpr std::size_t sample_limit = 2'000; // beyond it samples are
constexpr int busy_patience_ms = 200;       // SQLite's own wait for a lock, before we look at the queue again
constexpr auto retry_pause = 200ms;
constexpr auto farewell = 2s;
constexpr std::int64_t rows_kept = 200'000; // of events and of samples
constexpr int writes_between_prunes = 2'000;
constexpr int wal_pages = 1'000;

std::int64_t wall_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// One queued write. `apply` runs inside a transaction of the writer's.
struct Write {
    std::function<void(SQLite::Database&)> apply;
    bool durable = false; // must survive a power cut: the transaction is fsynced
    bool sample = false;  // the first to be lost
    std::function<void()> done;
};

void bind_process(SQLite::Statement& statement, const ProcessRow& row, const char* state) {
    statement.bind(1, row.uuid);
    statement.bind(2, row.worker);
    statement.bind(3, static_cast<std::int64_t>(row.generation));
    statement.bind(4, row.role);
    statement.bind(5, state);
    statement.bind(6, static_cast<std::int64_t>(row.pid));
    statement.bind(7, static_cast<std::int64_t>(row.start_time));
    statement.bind(8, row.boot_id);
    statement.bind(9, wall_ms());
}

void put_process(SQLite::Database& database, const ProcessRow& row, const char* state) {
    SQLite::Statement statement(database,
                                "INSERT OR REPLACE INTO processes (uuid, worker, generation, role, state, pid, "
                                "start_time, boot_id, changed_ms) VALUES (?,?,?,?,?,?,?,?,?)");
    bind_process(statement, row, state);
    statement.exec();
}

void put_event(SQLite::Database& database, const EventRow& row) {
    SQLite::Statement statement(database,
                                "INSERT INTO events (at_ms, kind, worker, generation, pid, signal, exit_code, planned, "
                                "crashes, planned_restarts, text) VALUES (?,?,?,?,?,?,?,?,?,?,?)");
    statement.bind(1, row.at_ms);
    statement.bind(2, row.kind);
    statement.bind(3, row.worker);
    statement.bind(4, static_cast<std::int64_t>(row.generation));
    statement.bind(5, static_cast<std::int64_t>(row.pid));
    if (row.signal) statement.bind(6, *row.signal);
    if (row.exit_code) statement.bind(7, *row.exit_code);
    statement.bind(8, row.planned ? 1 : 0);
    statement.bind(9, row.crashes);
    statement.bind(10, row.planned_restarts);
    statement.bind(11, row.text);
    statement.exec();
}

void put_worker(SQLite::Database& database, const WorkerRow& row) {
    SQLite::Statement statement(database,
                                "INSERT OR REPLACE INTO workers (name, kind, state, generation, ready, wanted, "
                                "crashes, planned_restarts, health, updated_ms) VALUES (?,?,?,?,?,?,?,?,?,?)");
    statement.bind(1, row.name);
    statement.bind(2, row.kind);
    statement.bind(3, row.state);
    statement.bind(4, static_cast<std::int64_t>(row.generation));
    statement.bind(5, row.ready);
    statement.bind(6, row.wanted);
    statement.bind(7, row.crashes);
    statement.bind(8, row.planned_restarts);
    statement.bind(9, row.health);
    statement.bind(10, row.updated_ms);
    statement.exec();
}

void put_sample(SQLite::Database& database, const HealthSample& row) {
    SQLite::Statement statement(database, "INSERT INTO health_samples (at_ms, worker, generation, passed, latency_ms, "
                                          "private_bytes, shared_bytes) VALUES (?,?,?,?,?,?,?)");
    statement.bind(1, row.at_ms);
    statement.bind(2, row.worker);
    statement.bind(3, static_cast<std::int64_t>(row.generation));
    statement.bind(4, row.passed ? 1 : 0);
    statement.bind(5, row.latency_ms);
    statement.bind(6, static_cast<std::int64_t>(row.private_bytes));
    statement.bind(7, static_cast<std::int64_t>(row.shared_bytes));
    statement.exec();
}

void prune(SQLite::Database& database) {
    const std::string limit = std::to_string(rows_kept);
    for (const char* table : {"events", "health_samples"})
        database.exec("DELETE FROM " + std::string(table) + " WHERE id <= (SELECT max(id) FROM " + table + ") - " +
                      limit);
    database.exec("DELETE FROM processes WHERE state = 'ended' AND changed_ms < " + std::to_string(wall_ms()) +
                  " - 604800000"); // a week
    database.exec("DELETE FROM topologies WHERE id <= (SELECT max(id) FROM topologies) - 1000");
}

// Opens, checks and migrates. Throws SQLite::Exception.
SQLite::Database open_database(const std::string& path) {
    SQLite::Database database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE, busy_patience_ms);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA wal_autocheckpoint = " + std::to_string(wal_pages));
    database.exec("PRAGMA journal_size_limit = 16777216");
    if (const std::string verdict = database.execAndGet("PRAGMA quick_check(1)").getString(); verdict != "ok")
        throw SQLite::Exception(verdict, SQLITE_CORRUPT);
    return database;
}

bool is_damage(const SQLite::Exception& exception) {
    const int code = exception.getErrorCode();
    return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

class SqliteStore final : public Store {
public:
    explicit SqliteStore(std::string path) : path_(std::move(path)) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }

    ~SqliteStore() override {
        thread_.request_stop();
        wake_.notify_all();
    }

    void intend(const ProcessRow& row, std::function<void()> done) override {
        push({[row](SQLite::Database& database) { put_process(database, row, "intended"); }, true, false,
              std::move(done)});
    }
    void started(const ProcessRow& row) override {
        push({[row](SQLite::Database& database) { put_process(database, row, "started"); }, true, false, {}});
    }
    void ended(const std::string& uuid, const std::string& how) override {
        push({[uuid, how](SQLite::Database& database) {
                  SQLite::Statement statement(
                      database, "UPDATE processes SET state = 'ended', how_ended = ?, changed_ms = ? WHERE uuid = ?");
                  statement.bind(1, how);
                  statement.bind(2, wall_ms());
                  statement.bind(3, uuid);
                  statement.exec();
              },
              false,
              false,
              {}});
    }
    void event(const EventRow& row) override {
        push({[row](SQLite::Database& database) { put_event(database, row); }, false, false, {}});
    }
    void worker(const WorkerRow& row) override {
        push({[row](SQLite::Database& database) { put_worker(database, row); }, false, false, {}});
    }
    void forget_worker(const std::string& name) override {
        push({[name](SQLite::Database& database) {
                  SQLite::Statement statement(database, "DELETE FROM workers WHERE name = ?");
                  statement.bind(1, name);
                  statement.exec();
              },
              false,
              false,
              {}});
    }
    void sample(const HealthSample& row) override {
        push({[row](SQLite::Database& database) { put_sample(database, row); }, false, true, {}});
    }
    void applied(const TopologyRow& row) override {
        push({[row](SQLite::Database& database) {
                  SQLite::Statement statement(
                      database, "INSERT INTO topologies (applied_ms, digest, path, document) VALUES (?,?,?,?)");
                  statement.bind(1, row.applied_ms);
                  statement.bind(2, row.digest);
                  statement.bind(3, row.path);
                  statement.bind(4, row.document);
                  statement.exec();
              },
              true,
              false,
              {}});
    }

    std::string trouble() const override {
        const std::lock_guard lock(mutex_);
        if (trouble_.empty() && lost_ == 0) return {};
        return trouble_ + (lost_ > 0 ? " (" + std::to_string(lost_) + " records lost)" : "");
    }

private:
    void push(Write write) {
        std::function<void()> refused;
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || queue_.size() >= (write.sample ? sample_limit : queue_limit)) {
                ++lost_;
                refused = std::move(write.done);
            } else {
                queue_.push_back(std::move(write));
            }
        }
        if (refused)
            refused();
        else
            wake_.notify_one();
    }

    void run(const std::stop_token& stop) {
        open();
        while (wait_for_work(stop)) {
            auto batch = take_batch();
            const auto give_up_at =
                stop.stop_requested() ? std::optional(std::chrono::steady_clock::now() + farewell) : std::nullopt;
            write(batch, stop, give_up_at);
            for (const Write& written : batch)
                if (written.done) written.done();
        }
        database_.reset();
    }

    bool wait_for_work(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return !queue_.empty() || stop.stop_requested(); });
        return !queue_.empty();
    }

    std::vector<Write> take_batch() {
        const std::lock_guard lock(mutex_);
        std::vector<Write> batch(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
        queue_.clear();
        return batch;
    }

    // One transaction for the whole batch; waits while somebody else holds the lock, as long as there is room for
    // what comes in meanwhile.
    void write(const std::vector<Write>& batch, const std::stop_token& stop,
               std::optional<std::chrono::steady_clock::time_point> give_up_at) {
        if (!database_) return count_lost(batch.size(), {});
        for (;;) {
            try {
                write_once(batch);
                set_trouble({});
                return;
            } catch (const SQLite::Exception& exception) {
                const bool busy = exception.getErrorCode() == SQLITE_BUSY;
                const bool late = give_up_at && std::chrono::steady_clock::now() > *give_up_at;
                if (!busy || late || is_full()) return lose(batch.size(), exception);
                set_trouble(std::string("the database is locked by another program: ") + exception.what());
                release_waiters(batch);
            }
            std::unique_lock lock(mutex_);
            wake_.wait_for(lock, retry_pause, [&] { return stop.stop_requested() && !give_up_at; });
            if (stop.stop_requested() && !give_up_at) give_up_at = std::chrono::steady_clock::now() + farewell;
        }
    }

    void write_once(const std::vector<Write>& batch) {
        const bool durable = std::ranges::any_of(batch, &Write::durable);
        database_->exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        SQLite::Transaction transaction(*database_);
        for (const Write& write : batch) write.apply(*database_);
        written_ += static_cast<int>(batch.size());
        if (written_ >= writes_between_prunes) {
            prune(*database_);
            written_ = 0;
        }
        transaction.commit();
    }

    void lose(std::size_t count, const SQLite::Exception& exception) {
        count_lost(count, exception.what());
        if (is_damage(exception)) open(); // moves it aside
    }

    // Nobody waits for a lock to be let go.
    static void release_waiters(const std::vector<Write>& batch) {
        for (const Write& write : batch)
            if (write.done) std::exchange(const_cast<Write&>(write).done, {})();
    }

    void open() {
        database_.reset();
        for (int attempt = 0; attempt < 2; ++attempt) {
            try {
                auto database = open_database(path_);
                const int version = database.execAndGet("PRAGMA user_version").getInt();
                if (version > newest_schema())
                    return refuse("the database has schema " + std::to_string(version) + ", this program knows " +
                                  std::to_string(newest_schema()) + ": nothing is written");
                migrate(database);
                database_.emplace(std::move(database));
                return;
            } catch (const SQLite::Exception& exception) {
                if (!is_damage(exception) || attempt > 0) return refuse(exception.what());
                quarantine(exception.what());
            }
        }
    }

    void quarantine(const std::string& why) {
        const std::string aside = path_ + ".damaged-" + std::to_string(wall_ms());
        std::error_code error;
        std::filesystem::rename(path_, aside, error);
        for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(path_ + suffix, error);
        std::fprintf(stderr, "mpsup: %s is damaged (%s): moved to %s, a fresh one is begun\n", path_.c_str(),
                     why.c_str(), aside.c_str());
        const std::lock_guard lock(mutex_);
        trouble_ = "the database was damaged and is kept as " + aside;
    }

    void refuse(const std::string& why) {
        std::fprintf(stderr, "mpsup: %s: %s: history is not kept\n", path_.c_str(), why.c_str());
        set_trouble(why);
    }

    bool is_full() {
        const std::lock_guard lock(mutex_);
        return queue_.size() >= queue_limit / 2;
    }
    void set_trouble(std::string trouble) {
        const std::lock_guard lock(mutex_);
        trouble_ = std::move(trouble);
    }
    void count_lost(std::size_t count, std::string why) {
        const std::lock_guard lock(mutex_);
        lost_ += static_cast<std::int64_t>(count);
        if (!why.empty()) trouble_ = std::move(why);
    }

    const std::string path_;
    std::optional<SQLite::Database> database_; // of the writer's thread
    int written_ = 0;                          // since the last prune; of the writer's thread

    mutable std::mutex mutex_; // guards the rest
    std::condition_variable wake_;
    std::deque<Write> queue_;
    std::string trouble_;
    std::int64_t lost_ = 0;
    bool closed_ = false;

    std::jthread thread_; // last: it ends before what it uses
};

} // namespace

std::unique_ptr<Store> open_sqlite_store(const std::string& path) { return std::make_unique<SqliteStore>(path); }

} // namespace mpsup
