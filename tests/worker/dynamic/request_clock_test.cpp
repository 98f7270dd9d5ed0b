#include "worker/dynamic/request_clock.h"

#include "tests/worker/dynamic/fake_engine.h"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::dynamic {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// The timers are the kernel's, so there is something to wait for: never longer than it takes, and no test asks how long.
class RequestClockTest : public testing::Test {
protected:
    void SetUp() override {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        ours_ = Fd(ends[0]);
        theirs_ = Fd(ends[1]);
        memory_ = contract::make_scoreboard().value();
        scoreboard_ = contract::ScoreboardWriter::open(memory_.get()).value();
        reader_ = contract::ScoreboardReader::open(memory_.get()).value();
    }
    void limit(const contract::TimeLimits& limits) {
        clock_.reset(); // there is one a process
        clock_ = std::make_unique<RequestClock>(limits, engine_, scoreboard_, theirs_.get(), 'L');
    }
    void begin() {
        clock_->begin(Clock::now());
        scoreboard_.begin_request("GET", "/report", now_ms(), clock_->deadline_ms());
    }
    static std::int64_t now_ms() {
        return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
    }
    bool until(const std::function<bool()>& is_so) const {
        for (const auto end = Clock::now() + 10s; !is_so() && Clock::now() < end;) ::poll(nullptr, 0, 1);
        return is_so();
    }
    char heard() const {
        char byte = 0;
        return ::recv(ours_.get(), &byte, 1, 0) == 1 ? byte : '\0';
    }
    // How a process ends that does this.
    static int end_of(const std::function<void()>& act) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            act();
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(pid, &status, 0);
        return status;
    }

    FakeEngine engine_;
    Fd ours_, theirs_, memory_;
    contract::ScoreboardWriter scoreboard_;
    contract::ScoreboardReader reader_;
    std::unique_ptr<RequestClock> clock_;
};

TEST_F(RequestClockTest, WithoutLimitsThereIsNoDeadline) {
    limit({});
    begin();
    EXPECT_EQ(clock_->deadline_ms(), 0);
    EXPECT_FALSE(clock_->rest_again_at());
}

TEST_F(RequestClockTest, WritesDownTheStackOfASlowRequestOnceAndSaysSo) {
    limit({0ms, 0ms, 10ms});
    begin();
    ASSERT_TRUE(until([&] { return engine_.copied > 0; }));
    EXPECT_EQ(heard(), 'L');
    const auto slow = reader_.read_slow();
    ASSERT_TRUE(slow);
    EXPECT_EQ(slow->method, "GET");
    EXPECT_EQ(slow->uri, "/report");
    EXPECT_GE(slow->age_ms, 10);
    EXPECT_EQ(slow->frames, std::vector<std::string>{"a.psgi:3 main::slow"});
    clock_->end();
    EXPECT_EQ(engine_.copied, 1);
}

TEST_F(RequestClockTest, WritesDownTheNextSlowOneToo) {
    limit({0ms, 0ms, 10ms});
    for (int round = 1; round <= 3; ++round) {
        begin();
        ASSERT_TRUE(until([&] { return engine_.copied == round; })) << round;
        clock_->end();
        scoreboard_.end_request(now_ms());
    }
}

TEST_F(RequestClockTest, ASlowRequestDoesNotHideTheNext) {
    limit({1h, 0ms, 10ms}); // the timer is set for the soft limit of the first when that has been noted
    begin();
    ASSERT_TRUE(until([&] { return engine_.copied == 1; }));
    clock_->end();
    begin();
    EXPECT_TRUE(until([&] { return engine_.copied == 2; }));
}

TEST_F(RequestClockTest, PassesOverRequestsThatEndInTime) {
    limit({0ms, 0ms, 1h});
    for (int i = 0; i < 1000; ++i) {
        begin();
        clock_->end();
    }
    EXPECT_EQ(engine_.copied, 0);
}

TEST_F(RequestClockTest, ARequestIsNotDisturbedByTheTimerOfOneBefore) {
    for (const auto& limits : {contract::TimeLimits{0ms, 0ms, 600ms}, contract::TimeLimits{600ms, 0ms, 0ms}}) {
        limit(limits);
        begin();
        clock_->end();
        ::poll(nullptr, 0, 300);
        begin();
        EXPECT_EQ(::poll(nullptr, 0, 400), 0) << "a sleep of the application is cut short";
        clock_->end();
    }
}

TEST_F(RequestClockTest, InterruptsPerlAfterTheSoftLimitAndAgain) {
    limit({10ms, 0ms, 0ms});
    begin();
    EXPECT_TRUE(until([&] { return engine_.interrupted >= 2; })) << "an eval may have caught the first";
    EXPECT_EQ(engine_.copied, 0);
}

TEST_F(RequestClockTest, BothLimitsActWhicheverComesFirst) {
    limit({30ms, 0ms, 10ms});
    begin();
    EXPECT_TRUE(until([&] { return engine_.interrupted == 1; }));
    EXPECT_EQ(engine_.copied, 1);
    clock_->end();
    limit({10ms, 0ms, 30ms});
    begin();
    EXPECT_TRUE(until([&] { return engine_.copied == 2; }));
    EXPECT_GE(engine_.interrupted, 2);
}

TEST_F(RequestClockTest, CannotBePutOffByAProgramThatTakesAllSignals) {
    limit({10ms, 0ms, 10ms});
    for (int signal = 1; signal <= SIGRTMAX; ++signal)
        if (signal != SIGKILL && signal != SIGSTOP && signal != SIGALRM) std::signal(signal, SIG_DFL);
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, &before);
    begin();
    const bool acted = until([&] { return engine_.copied == 1 && engine_.interrupted > 0; });
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    EXPECT_TRUE(acted);
}

TEST_F(RequestClockTest, AfterTheHardLimitTheProcessIsKilledWhateverItDoes) {
    const int status = end_of([&] {
        limit({0ms, 40ms, 0ms});
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_BLOCK, &all, nullptr);
        begin();
        for (;;) ::pause();
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const auto request = reader_.read().request;
    ASSERT_TRUE(request) << "what it was at can be read afterwards";
    EXPECT_EQ(request->uri, "/report");
    EXPECT_GT(request->deadline_ms, request->since_ms);
    EXPECT_LE(request->deadline_ms, now_ms());
}

TEST_F(RequestClockTest, WhatRestsIsNotKilled) {
    const int status = end_of([&] {
        limit({0ms, 100ms, 0ms});
        begin();
        clock_->end();
        const auto again = clock_->rest_again_at();
        if (!again) ::_exit(1);
        clock_->rest(*again - 1ms);
        if (!clock_->rest_again_at()) ::_exit(2);
        clock_->rest(*again);
        if (clock_->rest_again_at() || clock_->deadline_ms() != 0) ::_exit(3);
        ::poll(nullptr, 0, 300);
    });
    EXPECT_EQ(status, 0);
}

TEST_F(RequestClockTest, OneTimerServesManyRequestsAndEachHasItsWholeTime) {
    limit({0ms, 1h, 0ms});
    const auto now = Clock::now();
    clock_->begin(now);
    const auto first = clock_->deadline_ms();
    clock_->begin(now + 4s);
    EXPECT_EQ(clock_->deadline_ms(), first) << "the timer is not set again";
    clock_->begin(now + 6s);
    EXPECT_GT(clock_->deadline_ms(), first) << "or it would have less than the limit";
}

} // namespace
} // namespace mpsup::dynamic
