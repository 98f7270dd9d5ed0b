#include "worker/http/page_in.h"

#include "base/fd.h"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::http {
namespace {

constexpr std::uint64_t mebibyte = 1U << 20U;

class PagesOfAFile : public testing::Test {
protected:
    PagesOfAFile() {
        std::string pattern = (std::filesystem::temp_directory_path() / "mpsup-page-XXXXXX").string();
        file.reset(::mkostemp(pattern.data(), O_CLOEXEC));
        ::unlink(pattern.c_str());
        const std::string content(4 * mebibyte, 'x');
        EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
    }
    // Clean pages that nobody has mapped are dropped on request, unless the file system lives in them.
    bool drop() {
        ::fsync(file.get());
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
        return !in_page_cache(file.get(), 0, 4 * mebibyte);
    }
    Fd file;
};

TEST_F(PagesOfAFile, AreInMemoryWhenTheyHaveJustBeenWritten) {
    EXPECT_TRUE(in_page_cache(file.get(), 0, 4 * mebibyte));
    EXPECT_TRUE(in_page_cache(file.get(), 0, 0));
    EXPECT_TRUE(in_page_cache(file.get(), 100 * mebibyte, mebibyte)) << "there is nothing to wait for";
    EXPECT_TRUE(in_page_cache(-1, 0, 1)) << "whoever sends it will see";
}

TEST_F(PagesOfAFile, AreThereOnceTheyWereRead) {
    if (!drop()) GTEST_SKIP() << "this file system keeps everything in memory";
    EXPECT_FALSE(in_page_cache(file.get(), 3 * mebibyte, mebibyte));
    page_in(file.get(), 3 * mebibyte, mebibyte);
    EXPECT_TRUE(in_page_cache(file.get(), 3 * mebibyte, mebibyte));
    EXPECT_FALSE(in_page_cache(file.get(), 0, mebibyte));
    page_in(file.get(), 0, 100 * mebibyte);
    EXPECT_TRUE(in_page_cache(file.get(), 0, 4 * mebibyte));
}

TEST_F(PagesOfAFile, MayBeGoneMeanwhile) {
    ASSERT_EQ(::ftruncate(file.get(), 10), 0);
    page_in(file.get(), 0, 4 * mebibyte);
    page_in(file.get(), mebibyte, mebibyte);
    page_in(-1, 0, mebibyte);
    EXPECT_TRUE(in_page_cache(file.get(), mebibyte, mebibyte));
}

} // namespace
} // namespace mpsup::http
