#include "worker/static/file_cache.h"

#include "base/fd.h"
#include "tests/worker/static/folder.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace mpsup::static_files {
namespace {

class Cache : public testing::Test {
protected:
    Cache() : root(std::move(*open_file(folder.path(), O_PATH | O_DIRECTORY))) { folder.write("a.txt", "one"); }
    // Reads and keeps the file as it is, some time after its last change.
    void keep(const std::string& name, std::string_view content, std::time_t later = 60) {
        struct stat status{};
        ASSERT_EQ(::stat(folder.path(name).c_str(), &status), 0);
        cache.keep(name, status, "text/plain", content, status.st_ctim.tv_sec + later);
    }
    bool has(const std::string& name) { return cache.find(root.get(), name) != nullptr; }

    Folder folder;
    Fd root;
    FileCache cache;
};

TEST_F(Cache, GivesBackWhatItKept) {
    EXPECT_FALSE(has("a.txt"));
    keep("a.txt", "one");
    const auto* entry = cache.find(root.get(), "a.txt");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->content, "one");
    EXPECT_EQ(entry->media_type, "text/plain");
}

TEST_F(Cache, ForgetsAFileThatChangedInPlace) {
    keep("a.txt", "one");
    struct stat before{};
    ASSERT_EQ(::stat(folder.path("a.txt").c_str(), &before), 0);
    // The same size and the same mtime again: only the ctime tells, once the kernel's clock has ticked.
    const timespec times[2] = {before.st_atim, before.st_mtim};
    struct stat after = before;
    while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec) {
        folder.write("a.txt", "two");
        ASSERT_EQ(::utimensat(AT_FDCWD, folder.path("a.txt").c_str(), times, 0), 0);
        ASSERT_EQ(::stat(folder.path("a.txt").c_str(), &after), 0);
    }
    EXPECT_FALSE(has("a.txt"));
    EXPECT_EQ(cache.size(), 0U);
}

TEST_F(Cache, ForgetsAFileThatWasReplacedOrRemoved) {
    keep("a.txt", "one");
    folder.write("b.txt", "one");
    std::filesystem::rename(folder.path("b.txt"), folder.path("a.txt"));
    EXPECT_FALSE(has("a.txt"));
    keep("a.txt", "one");
    std::filesystem::remove(folder.path("a.txt"));
    EXPECT_FALSE(has("a.txt"));
}

TEST_F(Cache, ForgetsAFileWhosePermissionChanged) {
    keep("a.txt", "one");
    ASSERT_EQ(::chmod(folder.path("a.txt").c_str(), 0), 0);
    EXPECT_FALSE(has("a.txt"));
}

TEST_F(Cache, DoesNotKeepWhatHasJustChanged) {
    keep("a.txt", "one", 1);
    EXPECT_FALSE(has("a.txt"));
    keep("a.txt", "one", 2);
    EXPECT_TRUE(has("a.txt"));
}

TEST_F(Cache, StaysWithinItsBounds) {
    keep("a.txt", std::string(FileCache::max_file + 1, 'x'));
    EXPECT_FALSE(has("a.txt"));
    for (std::size_t i = 0; i < 2 * FileCache::max_files; ++i) {
        const std::string name = "f" + std::to_string(i);
        folder.write(name, "x");
        keep(name, "x");
        ASSERT_LE(cache.size(), FileCache::max_files);
    }
    EXPECT_TRUE(has("f" + std::to_string(2 * FileCache::max_files - 1)));
}

} // namespace
} // namespace mpsup::static_files
