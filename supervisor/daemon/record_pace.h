// How often the state of a worker is written down.
#pragma once

#include <chrono>
#include <cstddef>

namespace mpsup {

/// All of it is written whenever something of it changes. For a pool of hundreds that starts or ends, and changes with each
/// of them, that is not done so often: it takes as long as the pool is large. Pure.
class RecordPace {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// True: it is written now.
    [[nodiscard]] bool may_write(std::size_t processes, TimePoint now) {
        if (processes > small && now < next_) return false;
        next_ = now + per_process * processes;
        return true;
    }
    /// When it may be written next, if it may not be now.
    [[nodiscard]] TimePoint next() const { return next_; }

private:
    static constexpr std::size_t small = 32; // processes
    static constexpr std::chrono::microseconds per_process{100};

    TimePoint next_{};
};

} // namespace mpsup
