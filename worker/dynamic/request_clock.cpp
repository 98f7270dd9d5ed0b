#include "worker/dynamic/request_clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

using std::chrono::milliseconds;

constexpr int own_signal = 32; // glibc's SIGCANCEL: for pthread_cancel(3), which nothing here uses
constexpr std::int64_t interrupt_again_ms = 1000;
constexpr milliseconds longest_slack{5'000};
constexpr milliseconds longest_look_slack{100};

RequestClock* the_clock = nullptr;

// As rt_sigaction(2) takes it.
struct KernelAction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
};

// sigaction(2) of glibc refuses the signal, the kernel does not. What glibc adds for the kernel's sake (the way back from
// a handler) is taken over from a signal that it does accept.
bool install(void (*handler)(int)) {
    struct sigaction ours{};
    struct sigaction before{};
    ours.sa_handler = handler;
    ours.sa_flags = SA_RESTART;
    KernelAction action{};
    const bool known = ::sigaction(SIGRTMAX, &ours, &before) == 0 &&
                       ::syscall(SYS_rt_sigaction, SIGRTMAX, nullptr, &action, sizeof action.mask) == 0;
    ::sigaction(SIGRTMAX, &before, nullptr);
    return known && ::syscall(SYS_rt_sigaction, own_signal, &action, nullptr, sizeof action.mask) == 0;
}

bool make_timer(int signal, timer_t& timer) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = signal;
    return ::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

// 0 ms: disarms it.
void set_timer(timer_t timer, std::int64_t ms) noexcept {
    itimerspec when{};
    when.it_value = {ms / 1000, ms % 1000 * 1'000'000};
    ::timer_settime(timer, 0, &when, nullptr);
}

std::int64_t monotonic_ms() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * std::int64_t{1000} + now.tv_nsec / 1'000'000;
}

std::int64_t to_ms(RequestClock::TimePoint time) noexcept {
    return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
}

milliseconds look_slack_of(milliseconds first) { return std::clamp(first / 64, milliseconds(1), longest_look_slack); }
milliseconds slack_of(milliseconds hard) { return std::clamp(hard / 4, milliseconds(1), longest_slack); }

} // namespace

RequestClock::RequestClock(const contract::TimeLimits& limits, perl::Engine& engine,
                           contract::ScoreboardWriter& scoreboard, int slow_fd, char slow_byte)
    : limits_(limits), engine_(engine), scoreboard_(scoreboard), slow_fd_(slow_fd), slow_byte_(slow_byte) {
    the_clock = this;
    if (limits_.hard.count() > 0) has_kill_timer_ = make_timer(SIGKILL, kill_timer_);
    if (limits_.slow.count() > 0 || limits_.soft.count() > 0)
        has_look_timer_ = install(on_signal) && make_timer(own_signal, look_timer_);
    if ((limits_.hard.count() > 0) > has_kill_timer_) std::perror("mpsup: no timer for request_timeout");
}

RequestClock::~RequestClock() {
    if (has_kill_timer_) ::timer_delete(kill_timer_);
    if (has_look_timer_) ::timer_delete(look_timer_);
    the_clock = nullptr;
}

void RequestClock::begin(TimePoint now) noexcept {
    noted_ = 0;
    interrupt_at_ms_ = limits_.soft.count() > 0 ? to_ms(now) + limits_.soft.count() : 0;
    since_ms_ = to_ms(now);
    const auto first = limits_.slow.count() == 0   ? limits_.soft
                       : limits_.soft.count() == 0 ? limits_.slow
                                                   : std::min(limits_.slow, limits_.soft);
    // It is set for a request before this one: too early, and it would cut short a sleep of this one; or much too late.
    const std::int64_t due = to_ms(now) + first.count();
    const std::int64_t latest = due + look_slack_of(first).count();
    if (has_look_timer_ && (!armed_ || look_at_ms_ < due || look_at_ms_ > latest)) {
        armed_ = 1;
        look_at_ms_ = latest;
        set_timer(look_timer_, latest - to_ms(now));
    }
    if (has_kill_timer_ && (!kill_at_ || *kill_at_ < now + limits_.hard)) {
        kill_at_ = now + limits_.hard + slack_of(limits_.hard);
        set_timer(kill_timer_, (limits_.hard + slack_of(limits_.hard)).count());
    }
}

void RequestClock::rest(TimePoint now) noexcept {
    const auto again = rest_again_at();
    if (!again || now < *again) return;
    kill_at_.reset();
    set_timer(kill_timer_, 0);
}

std::optional<RequestClock::TimePoint> RequestClock::rest_again_at() const noexcept {
    if (!kill_at_) return std::nullopt;
    return *kill_at_ - limits_.hard / 2;
}

std::int64_t RequestClock::deadline_ms() const noexcept { return kill_at_ ? to_ms(*kill_at_) : 0; }

void RequestClock::on_signal(int) {
    const int kept = errno;
    if (the_clock) the_clock->look();
    errno = kept;
}

// In the signal handler.
void RequestClock::look() noexcept {
    const std::int64_t now = monotonic_ms();
    const std::int64_t since = since_ms_;
    if (since == 0) {
        armed_ = 0;
        return;
    }
    std::int64_t next = 0;
    const auto consider = [&](std::int64_t at) { next = next == 0 ? at : std::min(next, at); };
    if (limits_.slow.count() > 0 && !noted_) {
        if (now >= since + limits_.slow.count()) {
            noted_ = 1;
            scoreboard_.note_slow(now, [this](std::span<char> text) { return engine_.copy_stack(text); });
            (void)::send(slow_fd_, &slow_byte_, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            consider(since + limits_.slow.count());
        }
    }
    if (interrupt_at_ms_ > 0) {
        if (now >= interrupt_at_ms_) {
            engine_.interrupt();
            interrupt_at_ms_ = now + interrupt_again_ms;
        }
        consider(interrupt_at_ms_);
    }
    if (next == 0) {
        armed_ = 0;
        return;
    }
    look_at_ms_ = next;
    set_timer(look_timer_, std::max<std::int64_t>(1, next - now));
}

} // namespace mpsup::dynamic
