#include "base/whole_file.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <unistd.h>

namespace mpsup {
namespace {

TEST(WholeFile, TakesThePlaceOfTheOneBeforeForItsOwnerAlone) {
    const std::string path = testing::TempDir() + "whole-file-" + std::to_string(::getpid());
    ASSERT_TRUE(write_whole_file(path, "a long text"));
    ASSERT_TRUE(write_whole_file(path, "short"));
    EXPECT_EQ(read_file(path, 100).value(), "short");
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
    std::filesystem::remove(path);
}

TEST(WholeFile, SaysWhyItCannotBeWritten) {
    EXPECT_EQ(write_whole_file("/nowhere/file", "text").error().to_string(),
              "open /nowhere/file.new: No such file or directory");
    const std::string folder = testing::TempDir() + "whole-folder-" + std::to_string(::getpid());
    std::filesystem::create_directory(folder);
    EXPECT_EQ(write_whole_file(folder, "text").error().to_string(), "rename " + folder + ".new: Is a directory");
    std::filesystem::remove(folder + ".new");
    std::filesystem::remove(folder);
}

} // namespace
} // namespace mpsup
