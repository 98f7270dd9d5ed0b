#include "supervisor/process/spawner.h"

#include "base/descriptor_limit.h"
#include "base/fd.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mpsup {
namespace {

class SpawnerTest : public testing::Test {
protected:
    // Runs a shell command to its end; what it wrote is in output_.
    ExitStatus run(const std::string& command) {
        auto pipe = make_pipe().value();
        SpawnRequest request;
        request.executable = "/bin/sh";
        request.arguments = {"-c", command};
        request.environment = environment_;
        request.working_directory = "/";
        request.output = pipe.write.get();
        auto child = spawner_.spawn(request);
        EXPECT_TRUE(child) << child.error().to_string();
        pipe.write.reset();
        output_.clear();
        char byte = 0;
        while (::read(pipe.read.get(), &byte, 1) == 1) output_ += byte;
        pollfd entry{child->fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&entry, 1, 5000), 1);
        return child->reap().value_or(ExitStatus::unknown());
    }

    ProcessSpawner spawner_;
    std::vector<std::string> environment_{"PATH=/usr/bin:/bin"};
    std::string output_;
};

TEST_F(SpawnerTest, StartsAProgramAndTellsHowItEnded) {
    EXPECT_EQ(run("echo hello; exit 3"), ExitStatus::exited(3));
    EXPECT_EQ(output_, "hello\n");
    EXPECT_EQ(run("kill -9 $$"), ExitStatus::signalled(SIGKILL));
}

TEST_F(SpawnerTest, PassesTheEnvironmentItWasGivenAndNothingElse) {
    ::setenv("MPSUP_TEST_SECRET", "leaked", 1);
    environment_.push_back("GREETING=hello world");
    run("echo \"$GREETING/$MPSUP_TEST_SECRET\"");
    EXPECT_EQ(output_, "hello world/\n");
}

TEST_F(SpawnerTest, LeavesNoDescriptorOpenButTheStandardThree) {
    const int stray = ::open("/dev/null", O_RDONLY); // not close-on-exec
    const int far = ::dup2(stray, 200);
    run("ls /proc/self/fd | tr '\\n' ' '");
    EXPECT_EQ(output_, "0 1 2 3 ") << "3 is the folder that ls reads";
    ::close(stray);
    ::close(far);
}

TEST_F(SpawnerTest, PassesOnTheLimitOfDescriptorsThatWeWereStartedWith) {
    rlimit usual{};
    ::getrlimit(RLIMIT_NOFILE, &usual);
    rlimit low{128, usual.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    raise_descriptor_limit();
    run("ulimit -Sn");
    EXPECT_EQ(output_, "128\n");
    ::setrlimit(RLIMIT_NOFILE, &usual);
}

TEST_F(SpawnerTest, StartsWithDefaultSignalsInASessionOfItsOwn) {
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    run("grep -E 'SigBlk|SigIgn' /proc/self/status | awk '{print $2}'; ps -o sid= -p $$ | tr -d ' '; echo $$");
    const auto first = output_.substr(0, output_.find('\n'));
    EXPECT_EQ(first, "0000000000000000");
    EXPECT_EQ(output_.substr(17, 16), "0000000000000000");
    const auto rest = output_.substr(34);
    EXPECT_EQ(rest.substr(0, rest.find('\n')), rest.substr(rest.find('\n') + 1, rest.find('\n')));
    ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
}

TEST_F(SpawnerTest, SaysWhyAProgramCannotBeStarted) {
    const auto null = open_file("/dev/null", O_WRONLY);
    SpawnRequest request{"/no/such/program", {}, {}, "/", null->get()};
    const auto child = spawner_.spawn(request);
    ASSERT_FALSE(child);
    EXPECT_EQ(child.error().code.value(), ENOENT) << child.error().to_string();
    EXPECT_NE(child.error().what.find("/no/such/program"), std::string::npos);
    EXPECT_FALSE(spawner_.spawn({"/bin/sh", {}, {}, "/no/such/folder", null->get()})) << "nor in a folder that is not";
    EXPECT_FALSE(spawner_.spawn({"/etc/passwd", {}, {}, "/", null->get()})) << "nor what is no program";
}

} // namespace
} // namespace mpsup
