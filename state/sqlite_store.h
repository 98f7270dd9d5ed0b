// The writer's thread and its queue. Private to state/, apart from tests.
#pragma once

#include "state/changes.h"
#include "state/database_file.h"
#include "state/retention.h"
#include "state/store.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace mpsup::state {

struct StoreLimits {
    std::size_t queued_rows = 16'384;    // beyond it rows are dropped
    std::size_t queued_samples = 4'096;  // beyond it samples are
    std::uint64_t wal_bytes = 64U << 20; // beyond it samples are dropped, until readers let the log be emptied
    std::size_t rows_between_prunes = 4'096;
    std::size_t rows_between_trims = 500; // or a minute
    Retention retention{};
};

/// Described in store.h; open_store makes one.
class SqliteStore final : public Store {
public:
    explicit SqliteStore(std::string path, StoreLimits limits = {});
    ~SqliteStore() override;
    SqliteStore(const SqliteStore&) = delete;
    SqliteStore& operator=(const SqliteStore&) = delete;

    /// Waits, `limit` at most, until the file was opened or refused once: the reason of a refusal for good.
    [[nodiscard]] std::optional<Error> wait_until_opened(std::chrono::milliseconds limit);

    void intend(const ProcessRow& row, Done done) override { push(row, std::move(done)); }
    void started(const ProcessStart& start) override { push(start, {}); }
    void exited(const ProcessExit& exit) override { push(exit, {}); }
    void event(const EventRow& event) override { push(event, {}); }
    void topology(const TopologyRow& topology) override { push(topology, {}); }
    void worker(const WorkerRow& worker) override { push(worker, {}); }
    void sample(const HealthSample& sample) override { push(sample, {}); }
    void sample(const ProcessSample& sample) override { push(sample, {}); }
    void slow(const SlowRow& slow) override { push(slow, {}); }
    void rollout(const RolloutRow& rollout) override { push(rollout, {}); }
    void interrupt_rollouts() override { push(Interruption{}, {}); }
    void set_retention(const Keep& keep) override;
    [[nodiscard]] StoreStatus status() const override;
    bool flush(std::chrono::milliseconds limit) override;

private:
    using Clock = std::chrono::steady_clock;
    struct Entry {
        Change change;
        Done done;
        Clock::time_point said;
    };
    using Batch = std::vector<Entry>;

    // On the caller's thread.
    void push(Change change, Done done);

    // On the writer's thread.
    void run(const std::stop_token& stop);
    [[nodiscard]] Batch wait_for_batch(const std::stop_token& stop);
    void write_or_retry(Batch batch, const std::stop_token& stop);
    void write(const Batch& batch);
    void open_if_needed();
    void begin_afresh(const std::string& why);
    void trim_if_due(std::size_t rows);
    void watch_the_log();
    void pause(const std::stop_token& stop, Clock::duration length);
    void answer_late_ones(Batch& batch, bool all);
    void give_up(Batch& batch);
    void recover();
    void say(bool writing, std::string problem);
    void note_damage();

    const std::string path_;
    const StoreLimits limits_;

    // Of the writer's thread.
    std::unique_ptr<DatabaseFile> file_;  // null: not open
    std::optional<EventRow> first_event_; // to be written before anything else: of a quarantine
    std::optional<Clock::time_point> failing_since_;
    std::size_t rows_since_prune_ = 0;
    std::size_t rows_since_trim_ = 0;
    Clock::time_point next_trim_{}; // with the first writing

    mutable std::mutex mutex_; // guards what follows
    std::condition_variable_any changed_;
    std::deque<Entry> queue_;
    std::size_t queued_samples_ = 0;
    std::size_t in_hand_ = 0; // taken from the queue, not yet written
    bool urgent_ = false;     // something but samples is in the queue, or somebody waits for it to be empty
    bool log_is_full_ = false;
    bool opened_once_ = false;
    bool refused_for_good_ = false;
    std::optional<Clock::time_point> give_up_at_; // set when the store is being closed
    StoreStatus status_;
    Keep keep_;

    std::jthread thread_; // last: it ends before what it uses
};

} // namespace mpsup::state
