#include "worker/static/file_cache.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace mpsup::static_files {
namespace {

std::shared_ptr<StoredFile> file(std::string key, std::size_t bytes, bool open = false, std::string tag = {}) {
    auto made = std::make_shared<StoredFile>();
    struct stat status{};
    made->key = std::move(key);
    made->forms[0] = std::make_shared<const Form>(Form{Validators(status),
                                                       {},
                                                       bytes,
                                                       std::string(open ? 0 : bytes, 'x'),
                                                       open ? std::move(*open_file("/dev/null", O_RDONLY)) : Fd(),
                                                       status,
                                                       {},
                                                       {},
                                                       {},
                                                       std::move(tag)});
    return made;
}

TEST(FileCache, GivesBackWhatItKept) {
    FileCache cache({});
    EXPECT_FALSE(cache.find("/a"));
    const auto kept = file("/a", 10);
    cache.keep(kept);
    EXPECT_EQ(cache.find("/a"), kept);
    EXPECT_FALSE(cache.find("/ab"));
    const auto successor = file("/a", 20);
    cache.keep(successor);
    EXPECT_EQ(cache.find("/a"), successor);
    EXPECT_EQ(cache.files(), 1U);
    EXPECT_EQ(cache.bytes(), 20U);
    cache.forget(*kept);
    EXPECT_EQ(cache.find("/a"), successor) << "the one that was meant is gone already";
    cache.forget(*successor);
    EXPECT_FALSE(cache.find("/a"));
    EXPECT_EQ(cache.bytes(), 0U);
}

TEST(FileCache, StaysWithinItsBounds) {
    FileCache cache({.files = 10, .bytes = 1000, .descriptors = 3});
    for (int i = 0; i < 100; ++i) {
        cache.keep(file("/" + std::to_string(i), 1 + static_cast<std::size_t>(i) * 3, i % 2 == 0));
        ASSERT_LE(cache.files(), 10U);
        ASSERT_LE(cache.bytes(), 1000U);
        ASSERT_LE(cache.descriptors(), 3U);
    }
    EXPECT_TRUE(cache.find("/99"));
    cache.keep(file("/huge", 1001));
    EXPECT_FALSE(cache.find("/huge"));
    EXPECT_LE(cache.bytes(), 1000U);
}

TEST(FileCache, LetsGoOfWhatNobodyAsksForFirst) {
    FileCache cache({.files = 3, .bytes = 1000, .descriptors = 3});
    for (const char* key : {"/hot", "/cold", "/warm"}) cache.keep(file(key, 1));
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(cache.find("/hot")) << i;
        cache.keep(file("/once" + std::to_string(i), 1));
    }
    EXPECT_FALSE(cache.find("/cold"));
}

TEST(FileCache, ClosesFilesWithoutForgettingThoseInMemory) {
    FileCache cache({.files = 100, .bytes = 1000, .descriptors = 2});
    cache.keep(file("/small", 1));
    for (int i = 0; i < 20; ++i) cache.keep(file("/large" + std::to_string(i), 1, true));
    EXPECT_TRUE(cache.find("/small"));
    EXPECT_TRUE(cache.find("/large19"));
    EXPECT_EQ(cache.descriptors(), 2U);
    cache.forget_descriptors();
    EXPECT_EQ(cache.descriptors(), 0U);
    EXPECT_TRUE(cache.find("/small"));
}

TEST(FileCache, HasRoomOfTheirOwnForRewrittenPages) {
    FileCache cache({.files = 100, .bytes = 100, .page_bytes = 1000, .descriptors = 2});
    const auto page = [](const char* key, std::size_t bytes) { return file(key, bytes, false, "l000001"); };
    cache.keep(page("/a.html", 400));
    cache.keep(page("/b.html", 400));
    for (int i = 0; i < 20; ++i) cache.keep(file("/small" + std::to_string(i), 50));
    EXPECT_TRUE(cache.find("/a.html"));
    EXPECT_EQ(cache.bytes(), 100U);
    EXPECT_EQ(cache.page_bytes(), 800U);
    cache.keep(page("/c.html", 400));
    EXPECT_EQ(cache.page_bytes(), 800U);
    EXPECT_EQ(cache.bytes(), 100U) << "and files theirs";
    cache.keep(page("/huge.html", 1001));
    EXPECT_EQ(cache.page_bytes(), 0U);
}

TEST(FileCache, CountsFormsThatAreAddedLater) {
    FileCache cache({.files = 100, .bytes = 100, .descriptors = 2});
    const auto kept = file("/a", 10);
    cache.keep(kept);
    kept->forms[1] = file("", 30)->forms[0];
    cache.grown(*kept);
    EXPECT_EQ(cache.bytes(), 40U);
    kept->forms[2] = file("", 70)->forms[0];
    cache.grown(*kept);
    EXPECT_EQ(cache.bytes(), 0U) << "too large now";
    cache.grown(*kept);
    EXPECT_EQ(cache.files(), 0U);
}

} // namespace
} // namespace mpsup::static_files
