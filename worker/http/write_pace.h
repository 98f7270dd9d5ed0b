// How long a client may take to read an answer.
#pragma once

#include "worker/http/limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace mpsup::http {

/// Of one answer. Only what is spent waiting for the client counts, not what the answer itself waits for. `taken`: bytes of it
/// that have reached the client so far, which may grow while nothing can be written yet.
class WritePace {
public:
    /// Nothing more can be written for now.
    void begin(std::uint64_t taken, TimePoint now) noexcept {
        since_ = progress_ = now;
        taken_ = taken;
    }
    /// While waiting: when the client's time is over, as far as is known now.
    [[nodiscard]] TimePoint look(std::uint64_t taken, TimePoint now, const Deadlines& deadlines) noexcept {
        if (taken > taken_) progress_ = now;
        taken_ = std::max(taken, taken_);
        const TimePoint stalled = progress_ + deadlines.write_stall;
        if (deadlines.write_rate == 0) return stalled;
        return std::min(stalled, since_ - waited_ + deadlines.write_stall + bought(deadlines.write_rate));
    }
    /// Something can be written.
    void end(TimePoint now) noexcept { waited_ += now - since_; }

private:
    static constexpr std::uint64_t most = 1'000'000'000; // seconds that a clock can bear

    [[nodiscard]] std::chrono::milliseconds bought(std::uint64_t rate) const noexcept {
        const std::uint64_t seconds = std::min(taken_ / rate, most);
        return std::chrono::seconds(seconds) + std::chrono::milliseconds(taken_ % rate * 1000 / rate);
    }

    Clock::duration waited_{0}; // before the wait that runs
    TimePoint since_{};         // of that
    TimePoint progress_{};
    std::uint64_t taken_ = 0;
};

} // namespace mpsup::http
