#include "supervisor/daemon/log_part.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace mpsup {
namespace {

class LogPartTest : public testing::Test {
protected:
    LogPartTest() {
        std::string pattern = std::filesystem::temp_directory_path() / "mpsup-part-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ / "worker.log";
    }
    ~LogPartTest() override { std::filesystem::remove_all(folder_); }
    void write(const std::string& line) const { std::ofstream(path_, std::ios::app) << line << "\n"; }

    std::filesystem::path folder_;
    std::string path_;
    LogPart part_;
};

TEST_F(LogPartTest, LeavesOutWhatWasWrittenBeforeIt) {
    write("of the one before");
    part_.begin(path_, true);
    EXPECT_EQ(part_.last_words(path_), "");
    write("its own");
    EXPECT_EQ(part_.last_words(path_), "its own");
}

TEST_F(LogPartTest, SaysWhenOthersWroteToo) {
    part_.begin(path_, false);
    write("whose?");
    EXPECT_EQ(part_.last_words(path_), "(other generations of the worker wrote here too)\nwhose?");
}

TEST_F(LogPartTest, SaysThatNothingWasWrittenForLong) {
    part_.begin(path_, true);
    write("long ago");
    std::filesystem::last_write_time(path_, std::filesystem::file_time_type::clock::now() - std::chrono::seconds(800));
    EXPECT_EQ(part_.last_words(path_), "(the last of it was written 13 min before)\nlong ago");
}

TEST_F(LogPartTest, IsCertainAgainOnceItIsAlone) {
    part_.begin(path_, true);
    write("its own");
    part_.look(path_, true);
    EXPECT_EQ(part_.last_words(path_), "its own");
    part_.look(path_, false);
    write("whose?");
    part_.look(path_, true);
    EXPECT_EQ(part_.last_words(path_), "");
    write("its own again");
    part_.look(path_, true);
    EXPECT_EQ(part_.last_words(path_), "its own again");
}

TEST_F(LogPartTest, BeginsAnewInANewFile) {
    for (int i = 0; i < 100; ++i) write("of the one before");
    part_.begin(path_, true);
    part_.reopened(path_);
    EXPECT_EQ(part_.last_words(path_), "") << "it is the same file";
    std::filesystem::rename(path_, path_ + ".1");
    write("its first");
    std::filesystem::remove(path_);
    part_.reopened(path_);
    for (int i = 0; i < 250; ++i) write("its own");
    EXPECT_EQ(part_.last_words(path_).substr(0, 7), "its own");
}

} // namespace
} // namespace mpsup
