#include "base/fd.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup {
namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(FdTest, ClosesWhatItOwns) {
    int number = -1;
    {
        const auto pipe = make_pipe();
        ASSERT_TRUE(pipe);
        number = pipe->read.get();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(FdTest, IsNeverInheritedByAProgram) {
    const auto pipe = make_pipe();
    const auto copy = pipe->read.duplicate();
    const auto file = open_file("/dev/null", O_RDONLY);
    for (const int fd : {pipe->read.get(), pipe->write.get(), copy->get(), file->get()})
        EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

TEST(FdTest, MovesOwnership) {
    auto pipe = make_pipe();
    const int number = pipe->read.get();
    Fd other = std::move(pipe->read);
    EXPECT_EQ(other.get(), number);
    EXPECT_FALSE(pipe->read); // NOLINT(bugprone-use-after-move): that is what is tested
    Fd released(other.release());
    EXPECT_TRUE(is_open(number));
}

class ReadFile : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-fd-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string make(const std::string& name, const std::string& text) {
        const auto file = open_file(folder_ + "/" + name, O_WRONLY | O_CREAT);
        EXPECT_EQ(::write(file->get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
        return folder_ + "/" + name;
    }
    std::string folder_;
};

TEST_F(ReadFile, ReadsUpToItsLimitAndNotOneByteMore) {
    EXPECT_EQ(read_file(make("a", "12345"), 5).value(), "12345");
    EXPECT_EQ(read_file(make("b", "123456"), 5).error().code.value(), EFBIG);
}

TEST_F(ReadFile, RefusesWhatIsNoRegularFileWithoutBlocking) {
    const std::string fifo = folder_ + "/fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(read_file(fifo, 10).error().code.value(), EINVAL);
    EXPECT_EQ(read_file(folder_, 10).error().code.value(), EISDIR);
    EXPECT_EQ(read_file(folder_ + "/none", 10).error().code.value(), ENOENT);
}

} // namespace
} // namespace mpsup
