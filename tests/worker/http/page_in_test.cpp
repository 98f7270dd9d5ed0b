#include "worker/http/page_in.h"

#include "base/fd.h"

#include <fcntl.h>
#include <filesystem>
#include <future>
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
    // Waits for the end of it, ten seconds at most.
    bool read(PageIn& readers, std::uint64_t offset, std::uint64_t size) {
        std::promise<void> done;
        return readers.read(file.get(), offset, size, [&] { done.set_value(); }) &&
               done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready;
    }
    Fd file;
};

TEST_F(PagesOfAFile, AreInMemoryWhenTheyHaveJustBeenWritten) {
    EXPECT_TRUE(in_page_cache(file.get(), 0, 4 * mebibyte));
    EXPECT_TRUE(in_page_cache(file.get(), 0, 0));
    EXPECT_TRUE(in_page_cache(file.get(), 100 * mebibyte, mebibyte)) << "there is nothing to wait for";
    EXPECT_TRUE(in_page_cache(-1, 0, 1)) << "whoever sends it will see";
}

TEST_F(PagesOfAFile, AreReadBesideTheLoop) {
    if (!drop()) GTEST_SKIP() << "this file system keeps everything in memory";
    EXPECT_FALSE(in_page_cache(file.get(), 3 * mebibyte, mebibyte));
    PageIn readers;
    ASSERT_TRUE(read(readers, 3 * mebibyte, mebibyte));
    EXPECT_TRUE(in_page_cache(file.get(), 3 * mebibyte, mebibyte));
    EXPECT_FALSE(in_page_cache(file.get(), 0, mebibyte));
}

TEST_F(PagesOfAFile, MayBeGoneMeanwhile) {
    PageIn readers(1);
    ASSERT_EQ(::ftruncate(file.get(), 10), 0);
    EXPECT_TRUE(read(readers, 0, 4 * mebibyte));
    EXPECT_TRUE(read(readers, mebibyte, mebibyte));
    EXPECT_TRUE(in_page_cache(file.get(), mebibyte, mebibyte));
}

TEST_F(PagesOfAFile, AreReadForManyAtATime) {
    std::atomic<int> left = 1000;
    std::promise<void> all;
    PageIn readers(3);
    int asked = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto done = [&] {
            if (--left == 0) all.set_value();
        };
        if (readers.read(file.get(), 0, 4096, done))
            ++asked;
        else
            done(); // there was too much to do
    }
    EXPECT_GE(asked, 256);
    EXPECT_EQ(all.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

TEST_F(PagesOfAFile, AreOfNoInterestToWhoeverHasGone) {
    std::atomic<bool> gone = false;
    for (int i = 0; i < 100; ++i) {
        gone = false;
        {
            PageIn readers(1);
            for (int j = 0; j < 20; ++j)
                static_cast<void>(readers.read(file.get(), 0, 65536, [&] { EXPECT_FALSE(gone); }));
        }
        gone = true;
    }
}

TEST_F(PagesOfAFile, AreNotReadWithoutThreads) {
    PageIn none(0);
    EXPECT_FALSE(none.read(file.get(), 0, 1, [] {}));
}

} // namespace
} // namespace mpsup::http
