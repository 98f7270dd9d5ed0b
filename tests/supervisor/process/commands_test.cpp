#include "supervisor/process/commands.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <stdexcept>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class CommandsTest : public testing::Test {
protected:
    // Reads what a shell command writes; empty lines are counted only.
    CommandEnd read(const std::string& script, std::size_t most = 1000) {
        return run(commands_.read({{"/bin/sh", "-c", script}, {"PATH=/usr/bin:/bin"}},
                                  [this, most](std::string line) -> asio::awaitable<bool> {
                                      if (line.empty())
                                          ++silences_;
                                      else
                                          lines_.push_back(std::move(line));
                                      co_return lines_.size() < most&& silences_ < 20;
                                  }));
    }
    CommandEnd run(asio::awaitable<CommandEnd> work) {
        CommandEnd end;
        asio::co_spawn(context_, std::move(work), [&](const std::exception_ptr& thrown, CommandEnd value) {
            thrown_ = thrown != nullptr;
            end = std::move(value);
        });
        context_.restart();
        context_.run_for(20s);
        return end;
    }
    [[nodiscard]] bool is_left(int pid) const { return commands_.knows(pid) || ::kill(pid, 0) == 0; }

    asio::io_context context_;
    ProcessSpawner spawner_;
    Commands commands_{spawner_};
    std::vector<std::string> lines_;
    int silences_ = 0;
    bool thrown_ = false;
};

TEST_F(CommandsTest, HandsOnEachLineAndHowItEnded) {
    EXPECT_TRUE(read("echo one; echo two >&2; printf three").passed);
    EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two"})) << "what has no end is no line";
    const CommandEnd end = read("exit 3");
    EXPECT_FALSE(end.passed);
    EXPECT_EQ(end.why, "exited with code 3");
    EXPECT_FALSE(read("", 0).why.starts_with("could not")) << "an empty script runs";
}

TEST_F(CommandsTest, SaysThatAProgramIsSilent) {
    EXPECT_TRUE(read("echo one; sleep 1.2; echo two").passed);
    EXPECT_EQ(lines_, (std::vector<std::string>{"one", "two"}));
    EXPECT_GE(silences_, 1);
}

TEST_F(CommandsTest, EndsAProgramOfWhichNoMoreIsWanted) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(read("echo $$; while :; do sleep 100; done", 1).passed);
    ASSERT_EQ(lines_.size(), 1U);
    EXPECT_FALSE(is_left(std::stoi(lines_[0])));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST_F(CommandsTest, EndsAProgramWhoseReaderFailed) {
    int pid = 0;
    (void)run(commands_.read({{"/bin/sh", "-c", "echo $$; sleep 100"}, {"PATH=/usr/bin:/bin"}},
                             [&](std::string line) -> asio::awaitable<bool> {
                                 pid = std::stoi(line);
                                 throw std::runtime_error("no room");
                             }));
    EXPECT_TRUE(thrown_);
    ASSERT_GT(pid, 0);
    EXPECT_FALSE(is_left(pid));
}

TEST_F(CommandsTest, ReadsMoreThanAPipeHolds) {
    EXPECT_TRUE(
        read("i=0; while [ $i -lt 3000 ]; do echo $i 0123456789012345678901234567890123456789; i=$((i+1)); done",
             100'000)
            .passed);
    EXPECT_EQ(lines_.size(), 3000U);
}

} // namespace
} // namespace mpsup
