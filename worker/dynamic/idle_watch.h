// Which idle children of a pool have stopped to be there. Pure: no clock, no process.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace mpsup::dynamic {

/// Rounds of pings to idle children, and processes that were stopped (SIGSTOP). A round is asked for by whoever was busy,
/// so nothing wakes anybody in a pool that nobody uses; whoever is judged had `patience`, and a master that was itself held
/// up judges nobody.
class IdleWatch {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds settle{250};    // from the first idle one to the round
    static constexpr std::chrono::milliseconds patience{2000}; // for an answer, and for a stopped process to go on
    static constexpr std::chrono::milliseconds held_up{
        500}; // so much later than wanted, and we were not there ourselves

    /// Somebody has been busy.
    void ask(TimePoint now) {
        if (!round_at_ && !judge_at_) round_at_ = now + settle;
    }
    /// True: ping those who are idle now, and note each with pinged(). Begins a round.
    [[nodiscard]] bool begin(TimePoint now);
    /// `served`: how many requests it has answered.
    void pinged(pid_t pid, std::uint64_t served) { waiting_[pid] = served; }
    void answered(pid_t pid) { waiting_.erase(pid); }

    void stopped(pid_t pid, TimePoint now) { stopped_.try_emplace(pid, now + patience); }
    void gone(pid_t pid) {
        waiting_.erase(pid);
        stopped_.erase(pid);
    }

    struct Silent {
        pid_t pid;
        std::uint64_t served; // when it was pinged
    };
    /// Those that did not answer in time. Ends the round.
    [[nodiscard]] std::vector<Silent> silent(TimePoint now);
    /// Those that were stopped a while ago: are they still? They are forgotten.
    [[nodiscard]] std::vector<pid_t> long_stopped(TimePoint now);

    /// When to look next, if ever.
    [[nodiscard]] std::optional<TimePoint> next_look() const;

private:
    std::optional<TimePoint> round_at_;
    std::optional<TimePoint> judge_at_;
    std::map<pid_t, std::uint64_t> waiting_;
    std::map<pid_t, TimePoint> stopped_;
};

} // namespace mpsup::dynamic
