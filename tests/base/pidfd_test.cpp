#include "base/pidfd.h"

#include <gtest/gtest.h>

#include <csignal>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

// A child that waits to be killed.
pid_t make_sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (;;) ::pause();
    }
    return pid;
}

void wait_until_ended(const Pidfd& pidfd) {
    pollfd entry{pidfd.fd(), POLLIN, 0};
    ASSERT_EQ(::poll(&entry, 1, 5000), 1);
}

TEST(PidfdTest, SignalsAndReapsAChild) {
    const auto pidfd = Pidfd::open(make_sleeper());
    ASSERT_TRUE(pidfd);
    EXPECT_FALSE(pidfd->ended());
    EXPECT_FALSE(pidfd->reap());
    ASSERT_TRUE(pidfd->send_signal(SIGKILL));
    wait_until_ended(*pidfd);
    EXPECT_EQ(pidfd->reap(), ExitStatus::signalled(SIGKILL));
}

TEST(PidfdTest, NeverReachesWhoeverTakesThePidOver) {
    const auto pidfd = Pidfd::open(make_sleeper());
    ASSERT_TRUE(pidfd->send_signal(SIGKILL));
    wait_until_ended(*pidfd);
    ASSERT_TRUE(pidfd->reap());
    EXPECT_EQ(pidfd->send_signal(SIGTERM).error().code.value(), ESRCH);
}

TEST(PidfdTest, SaysUnknownOfAnEndThatSomebodyElseSaw) {
    const pid_t pid = make_sleeper();
    const auto pidfd = Pidfd::open(pid);
    ASSERT_TRUE(pidfd->send_signal(SIGKILL));
    ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_EQ(pidfd->reap(), ExitStatus::unknown());
}

TEST(PidfdTest, BelievesTheKernelAndNotTheSender) {
    const pid_t pid = make_sleeper();
    auto original = Pidfd::open(pid);
    auto adopted = Pidfd::adopt(Fd(::dup(original->fd())), 1);
    ASSERT_TRUE(adopted);
    EXPECT_EQ(adopted->pid(), pid);
    auto pipe = make_pipe();
    EXPECT_FALSE(Pidfd::adopt(std::move(pipe->read), pid)) << "a pipe is no process";
    ASSERT_TRUE(original->send_signal(SIGKILL));
    wait_until_ended(*original);
    EXPECT_TRUE(original->reap());
}

TEST(PidfdTest, TakesOneOfAProcessThatIsGone) {
    const pid_t pid = make_sleeper();
    auto pidfd = Pidfd::open(pid);
    ASSERT_TRUE(pidfd->send_signal(SIGKILL));
    wait_until_ended(*pidfd);
    ASSERT_TRUE(pidfd->reap());
    auto adopted = Pidfd::adopt(Fd(::dup(pidfd->fd())), pid);
    ASSERT_TRUE(adopted);
    EXPECT_EQ(adopted->pid(), pid);
    EXPECT_TRUE(adopted->ended());
    EXPECT_EQ(adopted->reap(), ExitStatus::unknown());
}

TEST(PidfdTest, KnowsThatThereIsNoSuchProcess) {
    const pid_t pid = make_sleeper();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(Pidfd::open(pid).error().code.value(), ESRCH);
}

} // namespace
} // namespace mpsup
