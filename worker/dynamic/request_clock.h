// How long the request in hand has been running, and what is done about it, whatever Perl does meanwhile.
#pragma once

#include "worker/contract/messages.h"
#include "worker/contract/scoreboard.h"
#include "worker/perl/engine.h"

#include <chrono>
#include <csignal>
#include <ctime>
#include <optional>

namespace mpsup::dynamic {

/// Two timers of the process (timer_create(2)). One ends it: its signal is SIGKILL, so nothing of the application can
/// be in the way. The other sends a signal that Perl code cannot touch (number 32: glibc keeps it to itself and refuses
/// to change or block it, so `local @SIG{keys %SIG}` leaves our handler alone); its handler writes the stack down when
/// the request is slow, and interrupts Perl when the soft limit has passed, and again each second.
///
/// Both are armed lazily: not for each request, but so that one system call serves many. Therefore the hard limit comes a
/// quarter late at most, and never more than 5 s late, the others a 64th and 100 ms; none is early, nor does a timer that was
/// set for one request disturb the next. One a process, for the whole of its life; not copied by fork(2).
class RequestClock {
public:
    using TimePoint = std::chrono::steady_clock::time_point;

    /// `slow_fd`: a socket that gets the byte `slow_byte` when a request has become slow. References must outlive it.
    RequestClock(const contract::TimeLimits& limits, perl::Engine& engine, contract::ScoreboardWriter& scoreboard,
                 int slow_fd, char slow_byte);
    ~RequestClock();
    RequestClock(const RequestClock&) = delete;
    RequestClock& operator=(const RequestClock&) = delete;

    void begin(TimePoint now) noexcept;
    void end() noexcept { since_ms_ = 0; }
    /// Before waiting for clients: a timer that could end a process that does nothing is disarmed.
    void rest(TimePoint now) noexcept;
    /// When rest() must be called again.
    [[nodiscard]] std::optional<TimePoint> rest_again_at() const noexcept;
    /// When the request in hand is ended by the hard limit, CLOCK_MONOTONIC in milliseconds; 0: never.
    [[nodiscard]] std::int64_t deadline_ms() const noexcept;

private:
    static void on_signal(int signal);
    void look() noexcept;

    contract::TimeLimits limits_;
    perl::Engine& engine_;
    contract::ScoreboardWriter& scoreboard_;
    int slow_fd_;
    char slow_byte_;
    timer_t kill_timer_{};
    timer_t look_timer_{};
    bool has_kill_timer_ = false;
    bool has_look_timer_ = false;
    std::optional<TimePoint> kill_at_;
    // Shared with the signal handler.
    volatile std::int64_t since_ms_ = 0; // 0: no request in hand
    volatile std::int64_t interrupt_at_ms_ = 0;
    volatile std::int64_t look_at_ms_ = 0; // when the timer is due that is armed
    volatile std::sig_atomic_t noted_ = 0; // as slow
    volatile std::sig_atomic_t armed_ = 0;
};

} // namespace mpsup::dynamic
