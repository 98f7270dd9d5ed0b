// When to start again what died, and when to give up.
#pragma once

#include <chrono>
#include <deque>

namespace mpsup::core {

using Time = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

struct RestartRule {
    int burst = 5;           // so many deaths …
    Duration window{30'000}; // … within this long, and it is given up
    Duration backoff{1'000}; // wait before the second start in a row; doubles
    Duration backoff_max{60'000};
    Duration settled{1'000}; // ready for this long: the next death starts the series afresh

    friend bool operator==(const RestartRule&, const RestartRule&) = default;
};

/// Counts deaths against a rule. Pure: time and chance come from outside.
class RestartBudget {
public:
    explicit RestartBudget(RestartRule rule) noexcept : rule_(rule) {}

    struct Verdict {
        bool give_up = false;
        Duration wait{0}; // before the next start
        int deaths = 0;   // within the window
    };

    /// Something died at `now` after it had been ready for `ready_for` (zero: never). The first death of something
    /// settled is replaced at once, later ones after a wait that doubles, ± 20 % by `chance` in [0, 1).
    [[nodiscard]] Verdict on_death(Time now, Duration ready_for, double chance);

    /// Deaths within the window that ends now.
    [[nodiscard]] int deaths(Time now) const;

    /// Somebody looked at it and wants it tried again.
    void reset() noexcept;

    [[nodiscard]] const RestartRule& rule() const noexcept { return rule_; }
    void set_rule(RestartRule rule) noexcept { rule_ = rule; }

private:
    RestartRule rule_;
    std::deque<Time> deaths_; // within the window, oldest first
    int in_a_row_ = 0;        // deaths since it last settled
};

} // namespace mpsup::core
