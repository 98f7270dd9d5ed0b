// The latest version is found or none, also when the process that erased or replaced one ends before the disk knows of it.
#include "tests/worker/cache/two_tiers.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::cache {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

std::string path(int number) { return "/page" + std::to_string(number); }

class DiskVersions : public testing::Test {
protected:
    TwoTiers tiers;
    std::unique_ptr<SharedMemory> memory = std::make_unique<SharedMemory>(mebibyte);
    std::unique_ptr<Store> store = tiers.attach(*memory);

    void fill(int from, int count, std::size_t size, const NewResponse& like = {}) {
        for (int i = from; i < from + count; ++i) {
            ASSERT_TRUE(store_text(*store, path(i), size, like));
            if (i % 16 == 0) store->disk()->finish();
        }
        store->disk()->finish();
    }
    void restart() {
        store.reset();
        memory = std::make_unique<SharedMemory>(mebibyte);
        store = tiers.attach(*memory);
    }
    // A process that writes its memory, while another one has the file.
    [[nodiscard]] std::unique_ptr<Store> attach_without_file(const SharedMemory& to) {
        auto made = tiers.attach(to);
        EXPECT_EQ(made->role(), Store::Role::writer);
        EXPECT_TRUE(made->disk()->is_closed());
        return made;
    }
    [[nodiscard]] int found(int from, int count, std::size_t size) {
        int result = 0;
        for (int i = from; i < from + count; ++i) result += has_anywhere(*store, path(i), size) ? 1 : 0;
        return result;
    }
    // False: the file system keeps it there.
    [[nodiscard]] bool empty_page_cache() const {
        const Fd file(::open(tiers.file().c_str(), O_RDONLY | O_CLOEXEC));
        if (::fdatasync(file.get()) != 0 || ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED) != 0) return false;
        const Store::Found first = store->find(url(path(0)), OwnedFields{});
        return !first.hit && first.on_disk;
    }
};

TEST_F(DiskVersions, LosesNothingThatThePageCacheLoses) {
    fill(0, 300, 10'000);
    if (!empty_page_cache()) GTEST_SKIP() << "a file system in memory";
    EXPECT_EQ(found(0, 300, 10'000), 300);
    EXPECT_EQ(store->stats().disk->damaged, 0U);
}

TEST_F(DiskVersions, CountsARequestOnceThoughItLooksTwice) {
    fill(0, 300, 10'000);
    if (!empty_page_cache()) GTEST_SKIP() << "a file system in memory";
    const Store::Found later = store->find(url(path(0)), OwnedFields{});
    EXPECT_FALSE(later.again) << "nobody has got it yet";
    EXPECT_TRUE(store->disk()->load(later.on_disk));
    EXPECT_TRUE(store->find(url(path(0)), OwnedFields{}).again);
}

TEST_F(DiskVersions, WritesALaterOneThoughTheMarkOfTheEarlierIsLost) {
    fill(0, 200, 9'000);
    const std::string before = tiers.image();
    NewResponse later;
    later.metadata.response_time = start + 5;
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(store_text(*store, path(i), 10'000, later));
    store.reset();
    const std::string after = tiers.image();
    for (std::size_t at = 4096; at + 4 <= before.size(); at += 8)
        if (before.compare(at, 4, "LIVE") == 0 && after.compare(at, 4, "DEAD") == 0) tiers.put("LIVE", at);
    store = tiers.attach(*memory); // which has the later ones
    EXPECT_EQ(found(0, 20, 10'000), 20);
    fill(200, 200, 9'000);
    EXPECT_EQ(found(0, 20, 9'000), 0);
    EXPECT_EQ(found(0, 20, 10'000), 20);
}

TEST_F(DiskVersions, ForgetsWhatWasErasedByOneThatNeverHadTheFile) {
    fill(0, 200, 9'000);
    const SharedMemory other(mebibyte);
    {
        const auto second = attach_without_file(other);
        second->erase(url(path(0)));
        ASSERT_TRUE(store_text(*second, path(1), 10));
    }
    restart();
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_FALSE(has_anywhere(*store, path(1), 9'000));
    fill(0, 200, 9'000);
    restart();
    EXPECT_GT(found(0, 200, 9'000), 50) << "once";
}

TEST_F(DiskVersions, ForgetsWhatWasErasedByOneThatWasKilled) {
    fill(0, 200, 9'000);
    const SharedMemory other(mebibyte);
    const auto killed = attach_without_file(other);
    killed->erase_tag("t");
    killed->disk()->finish();
    restart();
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_TRUE(store_text(*store, path(0), 9'000));
}

TEST_F(DiskVersions, ForgetsWhatWasErasedByOneThatCouldNotOpenIt) {
    fill(0, 200, 9'000);
    store.reset();
    const std::string aside = tiers.folder + "/aside";
    std::filesystem::rename(tiers.file(), aside);
    std::filesystem::create_directory(tiers.file());
    restart();
    ASSERT_FALSE(store->disk()->is_open());
    store->erase(url(path(0)));
    store.reset();
    std::filesystem::remove(tiers.file());
    std::filesystem::rename(aside, tiers.file());
    restart();
    ASSERT_TRUE(store->disk()->is_open());
    EXPECT_FALSE(find_anywhere(*store, path(0)));
}

TEST_F(DiskVersions, KeepsTheRestWhenItWasOpenedAfterTheErasure) {
    fill(0, 200, 9'000);
    const SharedMemory other(mebibyte);
    auto second = attach_without_file(other);
    second->erase(url(path(0)));
    store.reset();
    second->open_disk();
    std::swap(store, second);
    store->disk()->finish();
    EXPECT_EQ(found(0, 1, 9'000), 0);
    EXPECT_GT(found(0, 200, 9'000), 50);
    restart();
    EXPECT_EQ(found(0, 1, 9'000), 0);
    EXPECT_GT(found(0, 200, 9'000), 50);
}

// The moment in which a damaged place is told of is one in which the file is being read.
class WhileItIsRead : public DiskVersions {
protected:
    void read_and(const std::function<void(Store&)>& act) {
        fill(0, 200, 9'000);
        store.reset();
        const std::string image = tiers.image();
        tiers.put("!", image.rfind("X-Path: "));
        memory = std::make_unique<SharedMemory>(mebibyte);
        store = memory->attach();
        store->use_disk(DiskTier::make(
            {.folder = tiers.folder, .size = TwoTiers::usual_disk, .tell = [&](bool, const std::string&) {
                 ++told;
                 act(*store);
             }}));
        store->open_disk();
        ASSERT_EQ(told, 1);
    }
    int told = 0;
};

TEST_F(WhileItIsRead, ServesWithoutIt) {
    read_and([](Store& serving) {
        EXPECT_FALSE(serving.disk()->is_open());
        EXPECT_TRUE(store_text(serving, "/new", 10));
        EXPECT_TRUE(has_text(serving, "/new", 10));
        EXPECT_FALSE(find_anywhere(serving, path(0)));
        serving.erase(url(path(0)));
    });
    EXPECT_TRUE(store->disk()->is_open());
    EXPECT_EQ(found(0, 1, 9'000), 0);
    EXPECT_GT(found(0, 200, 9'000), 50);
}

TEST_F(WhileItIsRead, MayEndAndLosesNoErasure) {
    read_and([](Store& serving) {
        serving.erase(url(path(0)));
        serving.retire();
    });
    EXPECT_FALSE(store->disk()->is_open());
    restart();
    EXPECT_EQ(found(0, 1, 9'000), 0);
    EXPECT_GT(found(0, 200, 9'000), 50);
}

TEST_F(DiskVersions, ErasesBothOfOneThatMovedToMemory) {
    fill(0, 300, 10'000);
    const Hit on_disk = find_anywhere(*store, path(0));
    ASSERT_TRUE(on_disk.object()->disk);
    Store::Found again = store->find(url(path(0)), OwnedFields{});
    if (!again.hit) {
        again.hit = store->disk()->load(again.on_disk);
        store->promote(again.hit);
    }
    ASSERT_FALSE(again.hit.object()->disk);
    EXPECT_TRUE(store->erase(on_disk));
    EXPECT_FALSE(find_anywhere(*store, path(0)));
}

} // namespace
} // namespace mpsup::cache
