#include "base/whole_file.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

std::vector<std::string> synced;

int note(int fd) {
    synced.push_back(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd)));
    return 0;
}

} // namespace

// In the place of libc's, whose parameters have names of its own.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
int fsync(int fd) { return note(fd); }
int fdatasync(int fd) { return note(fd); }
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

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

TEST(WholeFile, IsOnTheDiskUnderItsName) {
    const std::string folder = testing::TempDir() + "whole-synced-" + std::to_string(::getpid()),
                      path = folder + "/file";
    std::filesystem::create_directory(folder);
    synced.clear();
    ASSERT_TRUE(write_whole_file(path, "text"));
    EXPECT_EQ(synced, (std::vector<std::string>{path + ".new", folder}));
    std::filesystem::remove_all(folder);
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
