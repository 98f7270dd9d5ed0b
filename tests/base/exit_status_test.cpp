#include "base/exit_status.h"

#include <gtest/gtest.h>

#include <csignal>

namespace mpsup {
namespace {

TEST(ExitStatus, TellsHowAProcessEnded) {
    EXPECT_EQ(ExitStatus::from_wait(CLD_EXITED, 3).to_string(), "exited with code 3");
    EXPECT_EQ(ExitStatus::from_wait(CLD_KILLED, SIGKILL).to_string(), "killed by signal 9 (KILL)");
    EXPECT_EQ(ExitStatus::from_wait(CLD_DUMPED, SIGSEGV).to_string(), "killed by signal 11 (SEGV)");
    EXPECT_EQ(ExitStatus::unknown().to_string(), "gone (exit code unknown)");
}

TEST(ExitStatus, SucceedsWithCodeZeroOnly) {
    EXPECT_TRUE(ExitStatus::exited(0).success());
    EXPECT_FALSE(ExitStatus::exited(1).success());
    EXPECT_FALSE(ExitStatus::signalled(SIGTERM).success());
    EXPECT_FALSE(ExitStatus::unknown().success()) << "unknown is not zero";
}

} // namespace
} // namespace mpsup
