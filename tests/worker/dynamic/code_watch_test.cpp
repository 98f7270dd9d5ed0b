#include "worker/dynamic/code_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <poll.h>

namespace mpsup::dynamic {
namespace {

class CodeWatchTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-code-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        std::filesystem::create_directories(folder_ + "/lib/Shop");
        for (const char* file : {"/app.psgi", "/lib/Shop.pm", "/lib/Shop/Cart.pm", "/lib/unloaded.pm"}) write(file);
        watch_.emplace(
            CodeWatch::make({path("/app.psgi"), path("/lib/Shop.pm"), path("/lib/Shop/Cart.pm"), "(eval 12)"}).value());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& file) const { return folder_ + file; }
    void write(const std::string& file) const { std::ofstream(path(file)) << "1;\n"; }
    bool is_readable() const {
        pollfd entry{watch_->fd(), POLLIN, 0};
        return ::poll(&entry, 1, 0) == 1;
    }
    using Files = std::vector<std::string>;

    std::string folder_;
    std::optional<CodeWatch> watch_;
};

TEST_F(CodeWatchTest, SaysNothingWhileNothingChanges) {
    EXPECT_FALSE(is_readable());
    EXPECT_TRUE(watch_->read_changes().empty());
}

TEST_F(CodeWatchTest, NamesAFileThatIsWritten) {
    write("/lib/Shop.pm");
    EXPECT_TRUE(is_readable());
    EXPECT_EQ(watch_->read_changes(), Files{path("/lib/Shop.pm")});
}

TEST_F(CodeWatchTest, NamesAFileThatIsReplacedAsEditorsDoIt) {
    write("/lib/Shop/.Cart.pm.new");
    std::filesystem::rename(path("/lib/Shop/.Cart.pm.new"), path("/lib/Shop/Cart.pm"));
    EXPECT_EQ(watch_->read_changes(), Files{path("/lib/Shop/Cart.pm")});
}

TEST_F(CodeWatchTest, NamesAFileThatIsRemoved) {
    std::filesystem::remove(path("/app.psgi"));
    EXPECT_EQ(watch_->read_changes(), Files{path("/app.psgi")});
}

TEST_F(CodeWatchTest, NamesEachFileOnce) {
    write("/app.psgi");
    EXPECT_EQ(watch_->read_changes().size(), 1U);
    write("/app.psgi");
    EXPECT_TRUE(watch_->read_changes().empty());
}

TEST_F(CodeWatchTest, DoesNotCareForWhatWasNotLoaded) {
    write("/lib/unloaded.pm");
    write("/lib/new.pm");
    EXPECT_TRUE(watch_->read_changes().empty());
}

TEST_F(CodeWatchTest, ReadsHoweverManyHaveChanged) {
    Files files;
    for (int i = 0; i < 300; ++i)
        files.push_back(path("/lib/a_long_name_of_a_module_number_" + std::to_string(i) + ".pm"));
    auto many = CodeWatch::make(files).value();
    for (const std::string& file : files) std::ofstream(file) << "1;\n";
    EXPECT_EQ(many.read_changes().size(), files.size());
}

} // namespace
} // namespace mpsup::dynamic
