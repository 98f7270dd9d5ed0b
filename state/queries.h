// Reading what the supervisor wrote, from any process of the same user, while it runs or not.
#pragma once

#include "base/error.h"
#include "state/rows.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpsup {

struct EventFilter {
    std::string worker;        // empty: all
    std::int64_t after_id = 0; // only newer ones
    int limit = 50;            // the newest so many
};

/// A read-only connection. Every question has a second; the answer of one that takes longer is an error. Blocking:
/// not for the event loop.
class Queries {
public:
    [[nodiscard]] static Result<Queries> open(const std::string& path);
    ~Queries();
    Queries(Queries&&) noexcept;
    Queries& operator=(Queries&&) noexcept;

    /// Oldest first.
    [[nodiscard]] Result<std::vector<EventRow>> events(const EventFilter& filter);
    [[nodiscard]] Result<std::vector<WorkerRow>> workers();
    /// Those that were started, or intended, and have not ended as far as is recorded.
    [[nodiscard]] Result<std::vector<ProcessRow>> living_processes();
    [[nodiscard]] Result<std::optional<TopologyRow>> last_topology();
    /// The highest generation ever used, of any worker.
    [[nodiscard]] Result<std::uint64_t> last_generation(const std::string& worker);

private:
    class Impl;
    explicit Queries(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace mpsup
