#include "supervisor/daemon/log_files.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace mpsup {
namespace {

using namespace std::chrono_literals;

TEST(LogRules, MoveFilesAwayBySizeAndAge) {
    const topology::Logs rules{1000, 1h, 3};
    EXPECT_FALSE(is_due(rules, 999, 59min));
    EXPECT_TRUE(is_due(rules, 1000, 0s));
    EXPECT_TRUE(is_due(rules, 1, 60min));
    EXPECT_FALSE(is_due(rules, 0, 1000h));
}

class LogFilesTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-logs-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        paths_.emplace(BaseDirs::find(folder_, std::nullopt).value(), "shop");
        ASSERT_TRUE(paths_->create());
        files_.emplace(*paths_);
        files_->set_rules({10, 24h, 2});
        path_ = paths_->worker_log("app");
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static void say(const Fd& file, const std::string& text) {
        ASSERT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    static std::string text_of(const std::string& path) { return read_file(path, 4096).value_or("missing"); }

    std::string folder_;
    std::optional<SitePaths> paths_;
    std::optional<LogFiles> files_;
    std::string path_;
};

TEST_F(LogFilesTest, KeepsAsManyAsItIsTold) {
    auto file = std::optional(files_->open(path_));
    for (const std::string text : {"aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"}) {
        say(*file, text);
        file = files_->look(path_);
        ASSERT_TRUE(file);
    }
    say(*file, "d");
    EXPECT_FALSE(files_->look(path_));
    EXPECT_EQ(text_of(path_), "d");
    EXPECT_EQ(text_of(path_ + ".1"), "cccccccccc");
    EXPECT_EQ(text_of(path_ + ".2"), "bbbbbbbbbb");
    EXPECT_EQ(text_of(path_ + ".3"), "missing");
    files_->set_rules({1, 24h, 1});
    EXPECT_TRUE(files_->look(path_));
    EXPECT_EQ(text_of(path_ + ".1"), "d");
    EXPECT_EQ(text_of(path_ + ".2"), "missing");
}

TEST_F(LogFilesTest, MakesAFolderThatIsGone) {
    (void)files_->open(path_);
    std::filesystem::remove_all(paths_->logs());
    const auto file = files_->look(path_);
    ASSERT_TRUE(file);
    say(*file, "x");
    EXPECT_EQ(text_of(path_), "x");
}

TEST_F(LogFilesTest, WritesNowhereWhileThereIsNoPlaceAndComesBack) {
    std::filesystem::remove_all(paths_->logs());
    std::ofstream(paths_->logs()) << "a file where the folder was";
    const Fd nowhere = files_->open(path_);
    say(nowhere, "lost");
    EXPECT_FALSE(files_->look(path_));
    std::filesystem::remove(paths_->logs());
    EXPECT_TRUE(files_->look(path_));
    EXPECT_FALSE(files_->look(path_));
}

TEST_F(LogFilesTest, LeavesEverythingAsItIsWhenNothingCanBeMadeAnew) {
    say(files_->open(path_), "aaaaaaaaaa");
    std::filesystem::create_directory(path_ + ".new"); // cannot be unlinked
    EXPECT_FALSE(files_->look(path_));
    EXPECT_EQ(text_of(path_), "aaaaaaaaaa");
}

} // namespace
} // namespace mpsup
