// What the supervisor remembers of a site. Writing never blocks and never fails the caller: a disk that refuses costs
// history, not service.
#pragma once

#include "base/error.h"
#include "state/rows.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace mpsup::state {

enum class StoreErrc {
    newer_schema = 1, // written by a later mpsup; left as it is
};
[[nodiscard]] std::error_code make_error_code(StoreErrc error) noexcept;

struct StoreStatus {
    bool writing = false;              // the last attempt to write went well
    std::string problem{};             // why not, for people; empty while writing
    std::string damage{};              // what was lost when the file had to be begun anew; empty: nothing
    std::uint64_t dropped_samples = 0; // since the store was opened
    std::uint64_t dropped_rows = 0;    // anything else that had no room in the queue
    std::uint64_t queued = 0;
};

/// How much of what is measured is kept, beside the numbers of rows in state/SCHEMA.md.
struct Keep {
    std::chrono::milliseconds raw = std::chrono::hours(48);          // samples of health and of processes
    std::chrono::milliseconds minute = std::chrono::hours(24 * 30L); // their sums by the minute
    std::int64_t max_bytes = 256 << 20;                              // of the database; beyond it the oldest go first

    friend bool operator==(const Keep&, const Keep&) = default;
};

/// The seam. One real one (open_store), one that forgets (make_null_store), and fakes in tests. All members are
/// called from one thread, the supervisor's loop, and return at once except flush.
class Store {
public:
    /// Called exactly once. false: not written within intent_patience, or there was no room; the row may still be
    /// written later.
    using Done = std::function<void(bool written)>;

    virtual ~Store() = default;

    /// Before a process is started: on the disk (fsync) when `done(true)` is called. `done` runs on the writer's thread
    /// or, without a writer or with a full queue, on the caller's before this returns; it must only post.
    virtual void intend(const ProcessRow& row, Done done) = 0;
    virtual void started(const ProcessStart& start) = 0;
    virtual void exited(const ProcessExit& exit) = 0;
    virtual void event(const EventRow& event) = 0;
    virtual void topology(const TopologyRow& topology) = 0;
    virtual void worker(const WorkerRow& worker) = 0;
    /// Samples are written a second later at the latest, and are dropped first.
    virtual void sample(const HealthSample& sample) = 0;
    virtual void sample(const ProcessSample& sample) = 0;
    /// Like a sample: large, and many come at once when something everybody waits for is slow.
    virtual void slow(const SlowRow& slow) = 0;
    /// Replaces what was said of the same uuid.
    virtual void rollout(const RolloutRow& /*rollout*/) {}
    /// Of a supervisor that starts: rollouts that are recorded as running were interrupted.
    virtual void interrupt_rollouts() {}
    /// From the next writing on, a bounded number of rows at a time.
    virtual void set_retention(const Keep& /*keep*/) {}

    [[nodiscard]] virtual StoreStatus status() const = 0;
    /// Waits until everything that was said is on the disk, `limit` at most. true: it is.
    virtual bool flush(std::chrono::milliseconds limit) = 0;
};

constexpr std::chrono::milliseconds intent_patience{200};

/// The database at `path` (its folder exists and is ours alone), created or migrated. One thread writes and keeps the
/// only writing connection. What is not a database, or a damaged one, or another program's, is renamed aside and
/// a fresh one begun (event store_damaged). A disk that refuses is no error: writing is tried again whenever
/// there is something to write. The only error is StoreErrc::newer_schema. The destructor flushes for two seconds
/// at most.
[[nodiscard]] Result<std::unique_ptr<Store>> open_store(const std::string& path);

/// Remembers nothing: `done(false)` at once.
[[nodiscard]] std::unique_ptr<Store> make_null_store();

} // namespace mpsup::state

template <> struct std::is_error_code_enum<mpsup::state::StoreErrc> : std::true_type {};
