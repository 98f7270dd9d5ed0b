// Reading what a site remembers, while it is being written and when nobody writes.
#pragma once

#include "base/error.h"
#include "state/rows.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup::state {

struct EventFilter {
    std::string worker{};           // empty: all
    std::int64_t since_ms = 0;      // wall clock
    std::int64_t after_id = 0;      // to follow: only later ones
    std::size_t limit = 100;        // the last so many; with after_id the first so many
    std::vector<EventKind> kinds{}; // empty: all
};

/// Of what is told of the past: the last so many.
struct PastFilter {
    std::string worker{};      // empty: all
    std::int64_t since_ms = 0; // wall clock
    std::size_t limit = 100;
};

/// A process that ended when nobody had asked it to.
struct RecordedCrash {
    ProcessStart process;
    ExitStatus status = ExitStatus::unknown();
    std::string reason;
    std::string last_lines;
    std::int64_t at_ms = 0;
};

struct RestartCounts {
    std::string worker;
    std::uint64_t crashes = 0; // processes that ended when nobody had asked them to, children of pools too
    std::uint64_t planned = 0; // restarts that somebody asked for
};

/// How a worker was at some moment.
struct PastState {
    std::string worker;
    std::string state;
    std::uint64_t generation = 0;
    std::uint32_t ready = 0;
    std::uint32_t wanted = 0;
    std::int64_t since_ms = 0; // it was so since then
};

struct PastSite {
    std::int64_t begins_ms = 0;       // nothing is known of the time before; 0: nothing at all
    bool supervisor_runs = false;     // one that was killed counts until the next one starts
    std::int64_t silent_since_ms = 0; // not 0: the supervisor was killed, and from here on nothing was recorded
    std::int64_t silent_until_ms = 0; // when the next one started
    std::vector<PastState> workers;   // that belonged to the site, by name
};

struct RecordedEvent {
    std::int64_t id = 0; // grows with every event
    EventRow event;
};

struct SlowFilter {
    std::string worker{}; // empty: all
    std::size_t limit = 100;
};

struct RecordedSlow {
    std::int64_t id = 0; // grows with every slow request
    SlowRow slow;
};

/// The slow requests with one fingerprint.
struct SlowGroup {
    std::uint64_t count = 0;
    std::int64_t longest_ms = 0;
    SlowRow latest; // an example
};

/// A process whose end nobody recorded. pid -1: it was intended, and whether it was started is not known.
struct RecordedProcess {
    ProcessStart start;
};

/// A read-only connection. Not thread-safe. Every query ends within its time limit with an error (ETIMEDOUT).
class Queries {
public:
    /// The file must exist (ENOENT) and be of this schema version (ENOTSUP).
    [[nodiscard]] static Result<Queries> open(const std::string& path,
                                              std::chrono::milliseconds limit = std::chrono::milliseconds(500));
    /// The same of a file of any earlier version too, which is not changed by this: for a successor that has not migrated it
    /// yet. Of such a one only living(), last_topology(), topology(), last_topologies(), last_generation() and workers() can be
    /// asked; what they read is the same in every version.
    [[nodiscard]] static Result<Queries> open_any(const std::string& path,
                                                  std::chrono::milliseconds limit = std::chrono::milliseconds(500));
    Queries(Queries&&) noexcept;
    Queries& operator=(Queries&&) noexcept;
    ~Queries();

    /// Oldest first.
    [[nodiscard]] Result<std::vector<RecordedEvent>> events(const EventFilter& filter) const;
    /// For a supervisor that starts after another was killed: what may still be alive.
    [[nodiscard]] Result<std::vector<RecordedProcess>> living() const;
    /// The one applied last; nothing when there never was one.
    [[nodiscard]] Result<std::optional<TopologyRow>> last_topology() const;
    /// The latest of that digest; nothing when none was ever applied.
    [[nodiscard]] Result<std::optional<TopologyRow>> topology(const std::string& digest) const;
    /// The latest, newest first.
    [[nodiscard]] Result<std::vector<TopologyRow>> last_topologies(std::size_t limit) const;
    /// The last status of each worker that belongs to the site, by name.
    [[nodiscard]] Result<std::vector<WorkerRow>> workers() const;
    /// The last samples of a worker, newest first.
    [[nodiscard]] Result<std::vector<HealthSample>> health(const std::string& worker, std::size_t limit) const;
    /// Newest first.
    [[nodiscard]] Result<std::vector<RecordedSlow>> slow(const SlowFilter& filter) const;
    /// Those with the most requests first.
    [[nodiscard]] Result<std::vector<SlowGroup>> slow_groups(const SlowFilter& filter) const;
    /// Those that began since; oldest first.
    [[nodiscard]] Result<std::vector<RolloutRow>> rollouts(const PastFilter& filter) const;
    /// Oldest first.
    [[nodiscard]] Result<std::vector<RecordedCrash>> crashes(const PastFilter& filter) const;
    /// Oldest first, without their documents.
    [[nodiscard]] Result<std::vector<TopologyRow>> topologies(const PastFilter& filter) const;
    /// By name; workers without any are left out. The limit is ignored.
    [[nodiscard]] Result<std::vector<RestartCounts>> restart_counts(const PastFilter& filter) const;
    [[nodiscard]] Result<PastSite> site_at(std::int64_t wall_ms) const;
    /// The highest generation that was ever recorded of a worker; 0: none.
    [[nodiscard]] Result<std::uint64_t> last_generation(const std::string& worker) const;

private:
    [[nodiscard]] static Result<Queries> open(const std::string& path, std::chrono::milliseconds limit, int oldest);

    struct Connection;
    explicit Queries(std::unique_ptr<Connection> connection) noexcept;
    std::unique_ptr<Connection> connection_;
};

} // namespace mpsup::state
