#include "supervisor/health/probe.h"

#include "base/listener.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <poll.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class ProbeTest : public testing::Test {
protected:
    ProbeResult ask(ProbeTarget target) {
        std::optional<ProbeResult> result;
        asio::co_spawn(context_, probe_.run(std::move(target)),
                       [&](const std::exception_ptr&, ProbeResult got) { result = std::move(got); });
        context_.restart();
        context_.run();
        return result.value();
    }
    ProbeResult execute(std::vector<std::string> words, std::chrono::milliseconds timeout = 20s) {
        ProbeTarget target;
        target.exec = std::move(words);
        target.environment = {"COLOUR=blue"};
        target.timeout = timeout;
        return ask(std::move(target));
    }

    asio::io_context context_;
    ProcessSpawner spawner_;
    Commands commands_{spawner_};
    EveryProbe probe_{commands_};
};

TEST_F(ProbeTest, AProgramThatEndsWithZeroPasses) {
    EXPECT_TRUE(execute({"/bin/sh", "-c", "test $COLOUR = blue"}).passed);
}

TEST_F(ProbeTest, AProgramThatFailsIsQuoted) {
    const auto result = execute({"/bin/sh", "-c", "echo one; echo 'two\001' >&2; exit 3"});
    EXPECT_FALSE(result.passed);
    EXPECT_EQ(result.why, "/bin/sh exited with code 3: two?");
}

TEST_F(ProbeTest, AProgramThatTakesTooLongIsKilledWithWhatItStarted) {
    const auto result = execute({"/bin/sh", "-c", "sleep 1000 & echo $!; wait"}, 100ms);
    EXPECT_FALSE(result.passed);
    ASSERT_TRUE(result.why.starts_with("/bin/sh took longer than 100 ms and was killed: ")) << result.why;
    const pid_t inner = std::stoi(result.why.substr(result.why.rfind(' ') + 1));
    const auto left = Pidfd::open(inner); // gone, or about to be: nothing says how long a killed process takes to end
    pollfd end{left ? left->fd() : -1, POLLIN, 0};
    EXPECT_TRUE(!left || ::poll(&end, 1, 30'000) == 1);
}

TEST_F(ProbeTest, AProgramThatIsNotThereIsSaidToBeSo) {
    const auto result = execute({"/no/such/program"});
    EXPECT_FALSE(result.passed);
    EXPECT_NE(result.why.find("No such file"), std::string::npos) << result.why;
}

TEST_F(ProbeTest, AProgramThatWritesWithoutEndDoesNotFillTheMemory) {
    const auto result = execute({"/bin/sh", "-c", "yes 2>/dev/null; exit 1"});
    EXPECT_FALSE(result.passed);
    EXPECT_EQ(result.why, "/bin/sh exited with code 1: y");
}

TEST_F(ProbeTest, ManyAtOnceDoNotDisturbEachOther) {
    int passed = 0;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 10; ++i) {
            Command command{{"/bin/sh", "-c", i % 2 == 0 ? "exit 0" : "sleep 0.01"}, {"PATH=/usr/bin:/bin"}, 20s};
            asio::co_spawn(context_, commands_.run(std::move(command)),
                           [&](const std::exception_ptr&, const CommandEnd& end) { passed += end.passed ? 1 : 0; });
        }
        context_.restart();
        context_.run();
    }
    EXPECT_EQ(passed, 200);
}

TEST_F(ProbeTest, AnAddressThatListensPasses) {
    auto listener = listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(listener);
    ProbeTarget target;
    target.tcp = {listening_address(listener->get()).value()};
    EXPECT_TRUE(ask(target).passed);
    listener->reset();
    const auto result = ask(target);
    EXPECT_FALSE(result.passed);
    EXPECT_EQ(result.why, "connect to " + target.tcp.front().to_string() + ": Connection refused");
}

} // namespace
} // namespace mpsup
