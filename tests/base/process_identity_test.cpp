#include "base/process_identity.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

TEST(ProcessIdentity, KnowsTheParentAndTheStartOfAProcess) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        // A name that looks like the fields behind it.
        ::prctl(PR_SET_NAME, ") Z 1 1", 0, 0, 0);
        for (;;) ::pause();
    }
    EXPECT_EQ(process_parent(pid).value(), ::getpid());
    EXPECT_GE(process_start_time(pid).value(), process_start_time(::getpid()).value());
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    EXPECT_EQ(process_start_time(pid).error().code.value(), ESRCH);
}

TEST(ProcessIdentity, KnowsWhoIsEnding) {
    EXPECT_FALSE(process_is_ending(::getpid()));
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        for (;;) ::pause();
    }
    ::close(ends[1]);
    EXPECT_FALSE(process_is_ending(pid));
    ::kill(pid, SIGKILL);
    char none = 0;
    EXPECT_EQ(::read(ends[0], &none, 1), 0);
    EXPECT_TRUE(process_is_ending(pid)) << "as soon as its descriptors are closed";
    ::close(ends[0]);
    ::waitpid(pid, nullptr, 0);
    EXPECT_TRUE(process_is_ending(pid));
}

TEST(ProcessIdentity, MeasuresMemory) {
    const auto memory = process_memory(::getpid());
    ASSERT_TRUE(memory);
    EXPECT_GT(memory->private_bytes, 0U);
}

TEST(ProcessIdentity, MakesUuidsOfVersionFour) {
    const std::string uuid = random_uuid();
    ASSERT_EQ(uuid.size(), 36U);
    EXPECT_EQ(uuid[14], '4');
    EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
    EXPECT_NE(uuid, random_uuid());
}

TEST(ProcessIdentity, NamesTheBoot) { EXPECT_EQ(boot_id().value().size(), 36U); }

} // namespace
} // namespace mpsup
