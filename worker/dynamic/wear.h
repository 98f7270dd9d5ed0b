// When a child has served long enough. Pure: no clock, no process.
#pragma once

#include "worker/contract/messages.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mpsup::dynamic {

enum class WearReason { requests, rss, unshared, age, idle };

/// Limits of one child: those of the pool, each lowered by up to `jitter` percent, so that children of one birth do not
/// all leave together.
class Wear {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// `chance`: from 0 to 1, drawn for this child.
    Wear(const contract::Recycle& limits, double chance, TimePoint born);

    /// After a request, and when memory was looked at.
    [[nodiscard]] std::optional<WearReason> check(std::uint64_t requests, std::uint64_t rss, std::uint64_t unshared,
                                                  TimePoint now) const;
    /// While nothing is to be done. `idle_since`: the end of the last request.
    [[nodiscard]] std::optional<WearReason> check_idle(TimePoint idle_since, TimePoint now) const;
    /// When check_idle may say something new.
    [[nodiscard]] std::optional<TimePoint> next_look(TimePoint idle_since) const;
    [[nodiscard]] bool wants_memory() const { return limits_.rss > 0 || limits_.unshared > 0; }

private:
    contract::Recycle limits_;
    TimePoint born_;
};

} // namespace mpsup::dynamic
