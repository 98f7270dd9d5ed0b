#include "state/sqlite_store.h"

#include <SQLiteCpp/Exception.h>
#include <SQLiteCpp/Transaction.h>

#include <algorithm>
#include <sqlite3.h>
#include <utility>

namespace mpsup::state {

namespace {

using namespace std::chrono_literals;

constexpr auto sample_patience = 1s; // until samples are written when nothing else is said
constexpr auto farewell = 2s;
constexpr auto shortest_pause = 50ms;
constexpr auto longest_pause = 200ms; // an intent must not wait longer for its answer
constexpr auto worth_telling = 1s;    // of a time without writing, as an event
constexpr auto between_trims = 60s;
constexpr std::size_t largest_batch = 1'000;

} // namespace

SqliteStore::SqliteStore(std::string path, StoreLimits limits) : path_(std::move(path)), limits_(limits) {
    status_.problem = "not opened yet";
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

SqliteStore::~SqliteStore() {
    {
        const std::lock_guard lock(mutex_);
        give_up_at_ = Clock::now() + farewell;
    }
    thread_.request_stop();
}

std::optional<Error> SqliteStore::wait_until_opened(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [&] { return opened_once_; });
    if (!refused_for_good_) return std::nullopt;
    return Error{path_ + ": " + status_.problem, StoreErrc::newer_schema};
}

void SqliteStore::push(Change change, Done done) {
    {
        const std::lock_guard lock(mutex_);
        const bool sample = is_sample(change);
        const bool room = sample ? queued_samples_ < limits_.queued_samples && !log_is_full_
                                 : queue_.size() - queued_samples_ < limits_.queued_rows;
        if (room && !refused_for_good_) {
            queued_samples_ += sample ? 1 : 0;
            const bool wake = !sample || queue_.empty();
            urgent_ = urgent_ || !sample;
            queue_.push_back({std::move(change), std::move(done), Clock::now()});
            if (wake) changed_.notify_all();
            return;
        }
        ++(sample ? status_.dropped_samples : status_.dropped_rows);
    }
    if (done) done(false);
}

void SqliteStore::set_retention(const Keep& keep) {
    const std::lock_guard lock(mutex_);
    keep_ = keep;
}

StoreStatus SqliteStore::status() const {
    const std::lock_guard lock(mutex_);
    auto status = status_;
    status.queued = queue_.size() + in_hand_;
    return status;
}

bool SqliteStore::flush(std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    urgent_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, limit, [&] { return queue_.empty() && in_hand_ == 0; });
    return queue_.empty() && in_hand_ == 0 && status_.writing;
}

void SqliteStore::run(const std::stop_token& stop) {
    try {
        open_if_needed();
        say(true, "");
    } catch (const NewerSchema& error) {
        say(false, error.what());
        const std::lock_guard lock(mutex_);
        refused_for_good_ = true;
    } catch (const std::exception& error) {
        say(false, error.what()); // tried again with the first thing to write
    }
    {
        const std::lock_guard lock(mutex_);
        opened_once_ = true;
        changed_.notify_all();
    }
    for (;;) {
        auto batch = wait_for_batch(stop);
        if (batch.empty()) break;
        write_or_retry(std::move(batch), stop);
    }
    file_.reset();
}

SqliteStore::Batch SqliteStore::wait_for_batch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    // Without anything to write there is no deadline either, and the thread sleeps.
    changed_.wait(lock, stop, [&] { return !queue_.empty(); });
    if (!urgent_ && !queue_.empty())
        changed_.wait_until(lock, stop, queue_.front().said + sample_patience, [&] { return urgent_; });
    Batch batch;
    while (!queue_.empty() && batch.size() < largest_batch) {
        if (is_sample(queue_.front().change)) --queued_samples_;
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    if (queue_.empty()) urgent_ = false;
    in_hand_ = batch.size();
    return batch;
}

void SqliteStore::write_or_retry(Batch batch, const std::stop_token& stop) {
    Clock::duration wait = shortest_pause;
    for (;;) {
        try {
            open_if_needed();
            write(batch);
            answer_late_ones(batch, true);
            recover();
            break;
        } catch (const NewerSchema& error) {
            say(false, error.what());
            const std::lock_guard lock(mutex_);
            refused_for_good_ = true;
        } catch (const SQLite::Exception& error) {
            const auto trouble = classify(error.getErrorCode());
            if (trouble == Trouble::damage)
                begin_afresh(error.what());
            else
                say(false, error.what());
            // A disk that failed once may have lost what the connection believes.
            if (trouble != Trouble::damage && (error.getErrorCode() & 0xFF) != SQLITE_BUSY) file_.reset();
            if (trouble == Trouble::refused) break;
        } catch (const std::exception& error) {
            say(false, error.what());
        }
        answer_late_ones(batch, false);
        {
            const std::lock_guard lock(mutex_);
            if (refused_for_good_ || (give_up_at_ && Clock::now() >= *give_up_at_)) break;
        }
        pause(stop, wait);
        wait = std::min<Clock::duration>(wait * 2, longest_pause);
    }
    give_up(batch);
    const std::lock_guard lock(mutex_);
    in_hand_ = 0;
    changed_.notify_all();
}

void SqliteStore::write(const Batch& batch) {
    auto& database = file_->database();
    const bool durable = std::ranges::any_of(batch, [](const Entry& entry) { return is_durable(entry.change); });
    database.exec(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    if (first_event_) apply(database, *first_event_);
    for (const auto& entry : batch) apply(database, entry.change);
    const bool prune_too = rows_since_prune_ + batch.size() >= limits_.rows_between_prunes;
    if (prune_too) prune(database, limits_.retention);
    trim_if_due(batch.size());
    transaction.commit();
    first_event_.reset();
    rows_since_prune_ = prune_too ? 0 : rows_since_prune_ + batch.size();
    watch_the_log();
}

void SqliteStore::trim_if_due(std::size_t rows) {
    rows_since_trim_ += rows;
    if (rows_since_trim_ < limits_.rows_between_trims && Clock::now() < next_trim_) return;
    rows_since_trim_ = 0;
    next_trim_ = Clock::now() + between_trims;
    Keep keep;
    {
        const std::lock_guard lock(mutex_);
        keep = keep_;
    }
    trim(file_->database(), keep, Stamp::now().wall_ms);
}

void SqliteStore::open_if_needed() {
    if (file_ && file_->was_replaced()) {
        file_.reset();
        first_event_ = EventRow{.kind = EventKind::store_damaged,
                                .reason = path_ + " was deleted or replaced while it was open; what it held is gone"};
        note_damage();
    }
    if (file_) return;
    try {
        file_ = std::make_unique<DatabaseFile>(path_);
    } catch (const SQLite::Exception& error) {
        if (classify(error.getErrorCode()) != Trouble::damage) throw;
        begin_afresh(error.what());
        file_ = std::make_unique<DatabaseFile>(path_);
    }
}

void SqliteStore::begin_afresh(const std::string& why) {
    file_.reset();
    const auto aside = quarantine(path_);
    if (!aside) return say(false, why + "; " + aside.error().to_string());
    first_event_ = EventRow{.kind = EventKind::store_damaged,
                            .reason = path_ + " was damaged (" + why + "); it is kept as " + *aside};
    note_damage();
    say(false, first_event_->reason);
}

void SqliteStore::watch_the_log() {
    bool full = file_->wal_bytes() > limits_.wal_bytes;
    if (full) {
        try {
            file_->checkpoint();
            full = file_->wal_bytes() > limits_.wal_bytes;
        } catch (const SQLite::Exception&) {
            full = true; // a reader is in the way
        }
    }
    const std::lock_guard lock(mutex_);
    log_is_full_ = full;
}

void SqliteStore::pause(const std::stop_token& stop, Clock::duration length) {
    std::unique_lock lock(mutex_);
    // Once stopping, the token would end every wait at once.
    if (stop.stop_requested())
        changed_.wait_for(lock, std::min<Clock::duration>(length, shortest_pause));
    else
        changed_.wait_for(lock, stop, length, [] { return false; });
}

void SqliteStore::answer_late_ones(Batch& batch, bool all) {
    for (auto& entry : batch)
        if (entry.done && (all || Clock::now() - entry.said >= intent_patience)) std::exchange(entry.done, {})(all);
    if (all) return batch.clear();
    // Those that came meanwhile wait behind the batch.
    std::vector<Done> late;
    {
        const std::lock_guard lock(mutex_);
        for (auto& entry : queue_)
            if (entry.done && Clock::now() - entry.said >= intent_patience)
                late.push_back(std::exchange(entry.done, {}));
    }
    for (const auto& done : late) done(false);
}

void SqliteStore::give_up(Batch& batch) {
    for (auto& entry : batch) {
        if (entry.done) std::exchange(entry.done, {})(false);
        const std::lock_guard lock(mutex_);
        ++(is_sample(entry.change) ? status_.dropped_samples : status_.dropped_rows);
    }
    batch.clear();
}

void SqliteStore::recover() {
    const auto since = std::exchange(failing_since_, std::nullopt);
    const auto before = status();
    say(true, "");
    if (!since || Clock::now() - *since < worth_telling) return;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - *since).count();
    push(EventRow{.kind = EventKind::store_recovered,
                  .reason = "nothing could be written for " + std::to_string(seconds) + " s: " + before.problem +
                            "; lost so far: " + std::to_string(before.dropped_samples) + " samples, " +
                            std::to_string(before.dropped_rows) + " other rows"},
         {});
}

void SqliteStore::note_damage() {
    const std::lock_guard lock(mutex_);
    if (first_event_) status_.damage = first_event_->reason;
}

void SqliteStore::say(bool writing, std::string problem) {
    if (!writing && !failing_since_) failing_since_ = Clock::now();
    const std::lock_guard lock(mutex_);
    status_.writing = writing;
    status_.problem = std::move(problem);
}

} // namespace mpsup::state
