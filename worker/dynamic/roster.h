// Who is in a pool, and when to fork the next one. Pure: no clock, no process.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <sys/types.h>

namespace mpsup::dynamic {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

/// Keeps a pool at its size. What had been ready is replaced at once, as long as that does not happen more than twenty
/// times in a row and twenty times a second; what dies before it ever was is replaced after a wait that doubles from
/// 100 ms to 5 s, so that an application whose children cannot start does not burn a core.
class Roster {
public:
    Roster(int wanted, TimePoint now)
        : wanted_(wanted), complete_at_(wanted), complete_(wanted == 0), tokens_(burst), refilled_(now) {}

    void set_wanted(int wanted) noexcept { wanted_ = wanted; }
    [[nodiscard]] int wanted() const noexcept { return wanted_; }
    /// How many to fork now.
    [[nodiscard]] int to_fork(TimePoint now);
    /// When to_fork may say more than it does now; nothing when it depends on no time.
    [[nodiscard]] std::optional<TimePoint> next_look(TimePoint now) const;

    void forked(pid_t pid);
    void ready(pid_t pid, TimePoint now);
    /// How long it had been ready: zero when it never was. `planned`: it was told to go, so nothing is held back for it.
    Duration gone(pid_t pid, TimePoint now, bool planned = false);
    /// It was told to go: it is not counted from here on, so its successor may come while it finishes.
    void leaving(pid_t pid);
    /// No more are forked.
    void drain() noexcept { draining_ = true; }

    /// The pool got another size: so many have to be ready, if those of before never were.
    void complete_with(int children);
    /// Has each that was wanted at first been ready at the same time? Once true, true for ever.
    [[nodiscard]] bool complete() const noexcept { return complete_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }

private:
    static constexpr double burst = 20;
    static constexpr double per_second = 20;
    static constexpr Duration first_wait{100};
    static constexpr Duration longest_wait{5'000};

    void look_if_complete();
    void refill(TimePoint now);

    int wanted_;
    int complete_at_;
    bool draining_ = false;
    bool complete_;
    double tokens_; // replacements that may happen at once
    TimePoint refilled_;
    int replacements_ = 0;                              // of those to_fork returns, how many take a token
    Duration wait_{0};                                  // after the next of these
    std::optional<TimePoint> not_before_;               // deaths before readiness hold back all forks
    std::map<pid_t, std::optional<TimePoint>> members_; // since when ready; those told to go are not here
};

} // namespace mpsup::dynamic
