// What a child tells its master of its wear: that it has served long enough, and that it would be a good master.
#pragma once

#include "worker/contract/scoreboard.h"
#include "worker/dynamic/child_channel.h"
#include "worker/dynamic/own_memory.h"
#include "worker/dynamic/wear.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace mpsup::dynamic {

/// Says each of the two once; then it is the master's turn. The channel outlives it. Used from one thread.
class WearReport {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// Draws how far its own limits are below those of the pool.
    WearReport(const contract::Recycle& limits, ChildChannel& channel, TimePoint born);

    void after_request(OwnMemory& memory, contract::ScoreboardWriter& scoreboard, TimePoint now);
    void when_idle(TimePoint last_request, TimePoint now) {
        if (!said_worn_) say_if_worn(wear_.check_idle(last_request, now));
    }
    /// When it may be worn by having nothing to do.
    [[nodiscard]] std::optional<TimePoint> next_look(TimePoint last_request) const {
        return said_worn_ ? std::nullopt : wear_.next_look(last_request);
    }

private:
    void say_if_worn(std::optional<WearReason> reason);

    Wear wear_;
    std::uint64_t refork_; // requests that make a good master; 0: none do
    ChildChannel& channel_;
    bool said_worn_ = false;
    bool said_refork_ = false;
};

} // namespace mpsup::dynamic
