#include "supervisor/process/strays.h"

#include "base/pidfd.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

pid_t child_that_ended() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    const auto pidfd = Pidfd::open(pid);
    pollfd entry{pidfd->fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&entry, 1, 5000), 1);
    return pid;
}

TEST(Strays, AreReapedAndTheKnownAreLeftToTheirOwner) {
    const pid_t stray = child_that_ended();
    const pid_t known = child_that_ended();
    for (int i = 0; i < 2; ++i) reap_strays([&](pid_t pid) { return pid == known; });
    EXPECT_EQ(::waitpid(known, nullptr, WNOHANG), known);
    reap_strays([](pid_t) { return false; });
    EXPECT_EQ(::waitpid(stray, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST(Strays, ComeToTheirSubreaper) {
    ASSERT_TRUE(become_subreaper());
    const pid_t parent = ::fork();
    if (parent == 0) {
        if (::fork() == 0) ::_exit(7); // an orphan in a moment
        ::_exit(0);
    }
    int reaped = 0;
    while (::waitpid(-1, nullptr, 0) > 0) ++reaped;
    EXPECT_EQ(reaped, 2);
}

} // namespace
} // namespace mpsup
