#include "base/output.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

class Output : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-output-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    [[nodiscard]] Fd open(const std::string& name) const {
        return std::move(*open_file(folder_ + "/" + name, O_WRONLY | O_CREAT | O_APPEND));
    }
    [[nodiscard]] std::string text_of(const std::string& name) const {
        return read_file(folder_ + "/" + name, 4096).value_or("missing");
    }

    // In a process of its own: it is about descriptors 1 and 2.
    template <typename Body> static void elsewhere(Body body) {
        const pid_t pid = ::fork();
        if (pid == 0) {
            body();
            ::_exit(0);
        }
        int status = -1;
        ::waitpid(pid, &status, 0);
        EXPECT_EQ(status, 0);
    }

    std::string folder_;
};

void say(int fd, const char* text) { (void)!::write(fd, text, std::char_traits<char>::length(text)); }

TEST_F(Output, MovesWithAllItsCopiesAndNothingElse) {
    elsewhere([&] {
        const Fd old = open("old");
        const Fd own = open("own");
        ::dup2(old.get(), 1);
        ::dup2(old.get(), 2);
        remember_output();
        const Fd copy(::fcntl(2, F_DUPFD_CLOEXEC, 3));
        ::dup2(own.get(), 1); // the application's choice
        say(2, "before\n");
        move_output(open("new"));
        say(1, "own\n");
        say(2, "after\n");
        say(copy.get(), "copy\n");
        if ((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) == 0) ::_exit(1);
    });
    EXPECT_EQ(text_of("old"), "before\n");
    EXPECT_EQ(text_of("new"), "after\ncopy\n");
    EXPECT_EQ(text_of("own"), "own\n");
}

TEST_F(Output, MovesAgain) {
    elsewhere([&] {
        const Fd old = open("old");
        ::dup2(old.get(), 2);
        remember_output();
        move_output(open("second"));
        move_output(open("third"));
        say(2, "here\n");
    });
    EXPECT_EQ(text_of("second"), "");
    EXPECT_EQ(text_of("third"), "here\n");
}

TEST_F(Output, ComesBackFromNowhere) {
    elsewhere([&] {
        const Fd nowhere = std::move(*open_file("/dev/null", O_RDWR));
        for (const int fd : {0, 1, 2}) ::dup2(nowhere.get(), fd);
        remember_output();
        move_output(open("found"));
        say(2, "here\n");
        say(0, "not here\n");
    });
    EXPECT_EQ(text_of("found"), "here\n");
}

TEST_F(Output, StaysWhenNothingWasRemembered) {
    elsewhere([&] {
        ::dup2(open("old").get(), 2);
        move_output(open("new"));
        say(2, "here\n");
    });
    EXPECT_EQ(text_of("new"), "");
}

} // namespace
} // namespace mpsup
