#include "supervisor/daemon/background_file.h"

#include "base/fd.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace mpsup {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

class BackgroundFileTest : public testing::Test {
protected:
    BackgroundFileTest() { std::filesystem::create_directory(folder_); }
    ~BackgroundFileTest() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<BackgroundFile> open(const std::string& path) {
        return std::make_unique<BackgroundFile>(context_.get_executor(), path,
                                                [this](const Error& why) { failures_.push_back(why.to_string()); });
    }
    // Until a coroutine that waits for the file is over.
    void wait_for(BackgroundFile& file, Clock::time_point deadline) {
        bool is_over = false;
        asio::co_spawn(context_, file.wait_until_written(deadline), [&](const std::exception_ptr&) { is_over = true; });
        context_.restart();
        while (!is_over) context_.run_one_for(10s);
    }

    asio::io_context context_;
    std::string folder_ = testing::TempDir() + "background-file-" + std::to_string(::getpid());
    std::string path_ = folder_ + "/file";
    std::vector<std::string> failures_;
};

TEST_F(BackgroundFileTest, KeepsWhatWasWrittenLast) {
    const auto file = open(path_);
    for (int i = 0; i <= 1000; ++i) file->write(std::to_string(i));
    wait_for(*file, Clock::now() + 60s);
    EXPECT_EQ(read_file(path_, 100).value(), "1000");
    file->write("more");
    file->flush();
    EXPECT_EQ(read_file(path_, 100).value(), "more");
    EXPECT_TRUE(failures_.empty());
}

// A pipe that nobody reads is a disk that hangs.
TEST_F(BackgroundFileTest, WaitsForNoDiskAndNothingIsOvertaken) {
    const std::string pipe = folder_ + "/pipe", beside = path_ + ".new";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    ASSERT_EQ(::link(pipe.c_str(), beside.c_str()), 0);
    const auto file = open(path_);
    file->write("first");
    wait_for(*file, Clock::now() + 20ms);
    EXPECT_FALSE(std::filesystem::exists(path_)) << "the deadline was the end of it";
    file->write("second");
    file->write("third");
    ASSERT_EQ(::unlink(beside.c_str()), 0);
    const Fd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)); // now it goes on
    wait_for(*file, Clock::now() + 60s);
    EXPECT_EQ(read_file(path_, 100).value(), "third");
}

TEST_F(BackgroundFileTest, SaysOnTheLoopWhyItCannotBeWritten) {
    const auto file = open(folder_ + "/nowhere/file");
    file->write("text");
    file->flush();
    EXPECT_TRUE(failures_.empty()) << "the loop does not run";
    wait_for(*file, Clock::now() + 60s);
    context_.restart();
    context_.poll();
    EXPECT_EQ(failures_, std::vector<std::string>{"open " + folder_ + "/nowhere/file.new: No such file or directory"});
}

TEST_F(BackgroundFileTest, WritesAllBeforeItIsGone) {
    auto file = open(path_);
    file->write("last");
    file.reset();
    EXPECT_EQ(read_file(path_, 100).value(), "last");
    context_.poll(); // nobody is told
}

} // namespace
} // namespace mpsup
