// Memory and disk as one cache.
#include "tests/worker/cache/two_tiers.h"

#include <csignal>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace mpsup::cache {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

class DiskTierTest : public testing::Test {
protected:
    TwoTiers tiers;
    std::unique_ptr<SharedMemory> memory = std::make_unique<SharedMemory>(mebibyte);
    std::unique_ptr<Store> store = tiers.attach(*memory);

    static std::string path(int number) { return "/page" + std::to_string(number); }

    // More than memory holds: the first ones are on the disk then.
    void fill(int count, std::size_t size = 10'000) {
        for (int i = 0; i < count; ++i) {
            ASSERT_TRUE(store_text(*store, path(i), size));
            if (i % 16 == 0) store->disk()->finish(); // as fast as the disk
        }
        store->disk()->finish();
    }
    // The process ends, and the memory with it if `machine`.
    void restart(bool machine = true, std::uint64_t disk = TwoTiers::usual_disk) {
        store.reset();
        if (machine) memory = std::make_unique<SharedMemory>(mebibyte);
        store = tiers.attach(*memory, disk);
    }
    [[nodiscard]] DiskStats disk() const { return store->stats().disk.value(); }
    [[nodiscard]] int found(int count, std::size_t size = 10'000) {
        int result = 0;
        for (int i = 0; i < count; ++i) result += has_anywhere(*store, path(i), size) ? 1 : 0;
        return result;
    }
    std::uint64_t position_of(const std::string& wanted) {
        std::uint64_t cursor = 0;
        std::uint64_t position = 0;
        store->disk()->visit(cursor, SIZE_MAX, [&](const DiskEntry& entry) {
            if (entry.key() == url(wanted).text()) position = entry.position;
            return true;
        });
        return position;
    }
    std::size_t listed() {
        std::uint64_t cursor = 0;
        std::size_t rows = 0;
        do {
            rows += store->list(cursor, 100, "", start).size();
        } while (cursor != 0);
        return rows;
    }
};

TEST_F(DiskTierTest, HasWhatMemoryLost) {
    fill(300);
    EXPECT_GT(store->stats().evicted, 200U);
    EXPECT_EQ(found(300), 300);
    EXPECT_EQ(disk().dropped, 0U);
    EXPECT_GT(disk().hits, 200U);
    EXPECT_EQ(listed(), 300U) << "each once";
}

TEST_F(DiskTierTest, HasItBeforeItIsWritten) {
    ASSERT_TRUE(store_text(*store, "/a", 3000));
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(store_text(*store, path(i), 10'000));
    EXPECT_TRUE(has_anywhere(*store, "/a", 3000)); // written or not
}

TEST_F(DiskTierTest, OutlivesTheMemory) {
    fill(300);
    restart();
    EXPECT_EQ(disk().objects, store->stats().disk->objects);
    EXPECT_GT(found(300), 200);
    EXPECT_TRUE(tiers.told.size() == 1 && tiers.told[0].contains("made anew")) << "at the first start";
    EXPECT_EQ(disk().damaged, 0U);
}

TEST_F(DiskTierTest, IsSavedFromMemoryBeforeItHasToGo) {
    fill(20);
    EXPECT_EQ(disk().objects, 0U);
    store->save_some(start + 10);
    EXPECT_EQ(disk().objects, 0U) << "too soon";
    store->save_some(start + 55);
    EXPECT_EQ(disk().objects, 0U) << "too late";
    store->save_some(start + 30);
    EXPECT_EQ(disk().objects, 20U);
    store->save_some(start + 30);
    EXPECT_EQ(disk().stored, 20U) << "once";
    restart();
    EXPECT_EQ(found(20), 20);
}

TEST_F(DiskTierTest, DoesNotKeepWhatIsOfNoUse) {
    for (int i = 0; i < 200; ++i) {
        const CacheKey key = url(path(i));
        NewResponse response;
        response.key = key.text();
        response.metadata.lifetime = 5;
        StoreWriter writer = store->begin(response);
        ASSERT_TRUE(writer.append(std::string(10'000, 'x')) && writer.commit());
    }
    EXPECT_EQ(disk().objects, 0U);
}

TEST_F(DiskTierTest, NeverBringsBackAnEarlierVersion) {
    fill(300);
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(store_text(*store, path(i), 100));
    restart();
    EXPECT_EQ(found(300), 0) << "of the first version";
}

TEST_F(DiskTierTest, TakesTheLatestOfTwoThatWereLeft) {
    fill(200, 9'000);
    const std::string before = tiers.image();
    fill(200, 10'000);
    store.reset();
    // What an earlier version is marked with is lost, as when the machine fails.
    std::string after = tiers.image();
    for (std::size_t at = 4096; at + 4 <= before.size(); at += 8)
        if (before.compare(at, 4, "LIVE") == 0 && after.compare(at, 4, "DEAD") == 0) tiers.put("LIVE", at);
    memory = std::make_unique<SharedMemory>(mebibyte);
    store = tiers.attach(*memory);
    EXPECT_GT(found(100, 10'000), 80);
    EXPECT_EQ(found(100, 9'000), 0);
}

TEST_F(DiskTierTest, MovesToMemoryWhenAskedForAgain) {
    fill(300);
    const std::uint64_t first = position_of(path(0));
    EXPECT_TRUE(find_anywhere(*store, path(0)).object()->disk);
    Store::Found again = store->find(url(path(0)), OwnedFields{});
    if (!again.hit) { // the file system cannot tell what is in memory
        again.hit = store->disk()->load(again.on_disk);
        EXPECT_TRUE(again.again);
        store->promote(again.hit);
    }
    EXPECT_FALSE(again.hit.object()->disk);
    EXPECT_TRUE(has_text(*store, path(0), 10'000));
    for (int i = 400; i < 600; ++i) ASSERT_TRUE(store_text(*store, path(i), 10'000));
    store->disk()->finish();
    EXPECT_EQ(position_of(path(0)), first) << "not written again";
}

TEST_F(DiskTierTest, PurgesBothTiers) {
    fill(300);
    EXPECT_EQ(store->erase(url(path(0))), 1U);
    EXPECT_EQ(store->erase(url(path(299))), 1U);
    EXPECT_EQ(store->erase(url("/none")), 0U);
    EXPECT_EQ(found(300), 298);
    restart();
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_EQ(store->erase(url(path(1))), 1U);
    EXPECT_GT(store->erase(url(path(2))), 0U);
    restart();
    EXPECT_FALSE(find_anywhere(*store, path(1)));
    EXPECT_TRUE(find_anywhere(*store, path(3)));
}

TEST_F(DiskTierTest, PurgesTagsAndAll) {
    NewResponse tagged;
    tagged.tags = "t\n";
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(store_text(*store, path(i), 10'000, i % 2 == 0 ? tagged : NewResponse{}));
        if (i % 16 == 0) store->disk()->finish();
    }
    EXPECT_EQ(store->erase_tag("t"), 150U);
    EXPECT_EQ(found(300), 150);
    restart();
    EXPECT_LE(found(300), 150);
    EXPECT_GT(found(300), 80);
    store->clear();
    EXPECT_EQ(found(300), 0);
    ASSERT_TRUE(store_text(*store, "/new", 500'000));
    fill(100);
    restart();
    EXPECT_TRUE(find_anywhere(*store, path(0))) << "what came afterwards is there";
    EXPECT_FALSE(find_anywhere(*store, path(200)));
}

TEST_F(DiskTierTest, RemembersWhatIsErasedBeforeItIsOpen) {
    fill(300);
    store.reset();
    memory = std::make_unique<SharedMemory>(mebibyte);
    store = memory->attach();
    store->use_disk(DiskTier::make({.folder = tiers.folder, .size = TwoTiers::usual_disk, .tell = nullptr}));
    store->erase(url(path(0)));
    ASSERT_TRUE(store_text(*store, path(1), 5));
    store->open_disk();
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_TRUE(has_anywhere(*store, path(1), 5));
    EXPECT_TRUE(has_anywhere(*store, path(2), 10'000));
    restart();
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_FALSE(has_anywhere(*store, path(1), 10'000));
}

TEST_F(DiskTierTest, TakesWhatIsTooLargeForMemory) {
    NewResponse known;
    known.length = 1'500'000;
    ASSERT_TRUE(store_text(*store, "/known", 1'500'000, known));
    ASSERT_TRUE(store_text(*store, "/unknown", 700'000));
    EXPECT_TRUE(has_anywhere(*store, "/known", 1'500'000));
    EXPECT_TRUE(has_anywhere(*store, "/unknown", 700'000));
    known.length = 3'000'000;
    EXPECT_FALSE(store->begin(known)) << "more than an eighth of the disk";
    restart();
    EXPECT_TRUE(has_anywhere(*store, "/known", 1'500'000));
    EXPECT_TRUE(has_anywhere(*store, "/unknown", 700'000));
    EXPECT_EQ(store->erase(url("/known")), 1U);
    restart();
    EXPECT_FALSE(find_anywhere(*store, "/known"));
}

TEST_F(DiskTierTest, GivesLargeOnesPieceByPiece) {
    restart(true, 64 * mebibyte);
    ASSERT_TRUE(store_text(*store, "/large", 5'000'000));
    const Hit hit = find_anywhere(*store, "/large");
    ASSERT_TRUE(hit);
    EXPECT_TRUE(hit.is_absent());
    EXPECT_TRUE(hit.piece(0).empty());
    EXPECT_EQ(whole_content(*store, hit), text_of("/large", 5'000'000));
    EXPECT_EQ(store->disk()->read_piece(hit, 4'999'999), text_of("/large", 5'000'000).substr(4'999'999));
    EXPECT_FALSE(store->disk()->read_piece(hit, 5'000'000));
}

TEST_F(DiskTierTest, ReplacesWhatMemoryHasByWhatIsTooLarge) {
    ASSERT_TRUE(store_text(*store, "/a", 100));
    ASSERT_TRUE(store_text(*store, "/a", 700'000));
    EXPECT_TRUE(has_anywhere(*store, "/a", 700'000));
    ASSERT_TRUE(store_text(*store, "/a", 100));
    EXPECT_TRUE(has_anywhere(*store, "/a", 100));
    EXPECT_EQ(disk().objects, 0U);
}

TEST_F(DiskTierTest, DoesNotStoreWhatWasErasedMeanwhile) {
    NewResponse response;
    response.mark = store->mark();
    store->erase(url("/a"));
    EXPECT_FALSE(store_text(*store, "/a", 700'000, response));
    EXPECT_FALSE(find_anywhere(*store, "/a"));
}

TEST_F(DiskTierTest, IsBroughtUpToDate) {
    fill(300);
    Hit hit = find_anywhere(*store, path(0));
    ASSERT_TRUE(hit.object()->disk);
    ASSERT_TRUE(store->freshen(hit, "N: 1\r\n", hit.metadata()));
    EXPECT_EQ(find_anywhere(*store, path(0)).fields(), "N: 1\r\n");
    EXPECT_TRUE(has_anywhere(*store, path(0), 10'000));
    hit = Hit(); // none outlives its store
    restart(false);
    EXPECT_EQ(find_anywhere(*store, path(0)).fields(), "N: 1\r\n");

    hit = find_anywhere(*store, path(1));
    store->erase(url(path(1)));
    EXPECT_FALSE(store->freshen(hit, "N: 2\r\n", hit.metadata())) << "it was erased meanwhile";
    EXPECT_FALSE(find_anywhere(*store, path(1)));
}

TEST_F(DiskTierTest, BringsLargeOnesUpToDate) {
    ASSERT_TRUE(store_text(*store, "/large", 1'500'000));
    Hit hit = find_anywhere(*store, "/large");
    ASSERT_TRUE(store->freshen(hit, "N: 1\r\n", hit.metadata()));
    EXPECT_EQ(find_anywhere(*store, "/large").fields(), "N: 1\r\n");
    restart();
    EXPECT_EQ(find_anywhere(*store, "/large").fields(), "N: 1\r\n");
    EXPECT_TRUE(has_anywhere(*store, "/large", 1'500'000));
    EXPECT_EQ(disk().objects, 1U);
}

TEST_F(DiskTierTest, KeepsVariantsApart) {
    NewResponse one;
    one.variant = "accept-language:de\n";
    one.fields = "Content-Language: de\r\n";
    NewResponse other;
    other.variant = "accept-language:en\n";
    other.fields = "Content-Language: en\r\n";
    ASSERT_TRUE(store_text(*store, "/a", 200'000, one));
    ASSERT_TRUE(store_text(*store, "/a", 200'000, other));
    for (int i = 0; i < 2; ++i) {
        for (const std::string language : {"de", "en"}) {
            const OwnedFields fields{{"Accept-Language", language}};
            Store::Found found = store->find(url("/a"), fields);
            if (!found.hit) found.hit = store->disk()->load(found.on_disk);
            ASSERT_TRUE(found.hit);
            EXPECT_EQ(found.hit.fields(), "Content-Language: " + language + "\r\n");
        }
        const OwnedFields french{{"Accept-Language", "fr"}};
        const Store::Found none = store->find(url("/a"), french);
        EXPECT_TRUE(none.known && !none.hit && !none.on_disk);
        restart();
    }
}

TEST_F(DiskTierTest, OverwritesTheOldest) {
    restart(true, 8 * mebibyte);
    fill(3000);
    EXPECT_EQ(found(1000), 0);
    EXPECT_LE(disk().used_bytes, disk().bytes);
    const int left = found(3000);
    EXPECT_GT(left, 500);
    restart(true, 8 * mebibyte);
    EXPECT_GT(found(3000), left - 250) << "but for memory, and the segment that was written to";
    EXPECT_EQ(disk().damaged, 0U);
}

TEST_F(DiskTierTest, LetsGoForTheNextProcess) {
    fill(300);
    auto next = tiers.attach(*memory);
    EXPECT_EQ(next->role(), Store::Role::guest);
    EXPECT_TRUE(next->disk()->is_closed());
    store->retire();
    EXPECT_FALSE(store->disk()->is_open());
    store->disk()->finish();
    ASSERT_TRUE(next->try_to_write());
    next->open_disk();
    ASSERT_TRUE(next->disk()->is_open());
    std::swap(store, next);
    EXPECT_EQ(found(300), 300);
    EXPECT_EQ(next->erase(url(path(0))), 0U) << "told to the one that writes";
    EXPECT_FALSE(find_anywhere(*store, path(0)));
    EXPECT_TRUE(find_anywhere(*store, path(1)));
}

TEST_F(DiskTierTest, WaitsForWhoeverHasTheFile) {
    fill(100);
    const SharedMemory other(mebibyte);
    const auto second = tiers.attach(other);
    EXPECT_EQ(second->role(), Store::Role::writer);
    EXPECT_TRUE(second->disk()->is_closed());
    EXPECT_TRUE(store_text(*second, "/a", 10));
    store.reset();
    second->open_disk();
    EXPECT_TRUE(second->disk()->is_open());
}

TEST_F(DiskTierTest, IsMadeAnewInAnotherSize) {
    fill(300);
    tiers.told.clear();
    restart(true, 12 * mebibyte);
    EXPECT_EQ(found(300), 0);
    ASSERT_EQ(tiers.told.size(), 1U);
    EXPECT_TRUE(tiers.told[0].contains("made anew"));
    EXPECT_LE(std::filesystem::file_size(tiers.file()), 12 * mebibyte);
    fill(300);
    restart(true, 12 * mebibyte);
    EXPECT_GT(found(300), 150);
    store.reset();
    tiers.put("9", 8); // the layout
    restart(true, 12 * mebibyte);
    EXPECT_EQ(found(300), 0);
}

TEST_F(DiskTierTest, IsDoneWithoutWhereItCannotBe) {
    store.reset();
    tiers.told.clear();
    std::filesystem::remove_all(tiers.folder);
    std::ofstream(tiers.folder) << "no folder";
    restart();
    ASSERT_EQ(tiers.told.size(), 1U);
    EXPECT_TRUE(tiers.told[0].starts_with("off: open ")) << tiers.told[0];
    EXPECT_FALSE(store->disk()->is_closed()) << "no use to try again";
    EXPECT_TRUE(store_text(*store, "/a", 10));
    EXPECT_TRUE(has_anywhere(*store, "/a", 10));
    EXPECT_FALSE(store_text(*store, "/b", 700'000));
}

TEST_F(DiskTierTest, SaysThatTheDiskIsFull) {
    store.reset();
    tiers.told.clear();
    restart(true, DiskFile::max_bytes);
    ASSERT_EQ(tiers.told.size(), 1U);
    EXPECT_TRUE(tiers.told[0].starts_with("off: allocate ")) << tiers.told[0];
    EXPECT_TRUE(!std::filesystem::exists(tiers.file()) || std::filesystem::file_size(tiers.file()) == 0);
    EXPECT_TRUE(store_text(*store, "/a", 10));
}

TEST_F(DiskTierTest, IsDoneWithoutWhenWritingFails) {
    fill(150);
    ASSERT_GT(disk().objects, 0U);
    tiers.told.clear();
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit none{0, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    fill(150);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    ASSERT_EQ(tiers.told.size(), 1U);
    EXPECT_TRUE(tiers.told[0].starts_with("off: write ")) << tiers.told[0];
    EXPECT_FALSE(store->disk()->is_open());
    EXPECT_TRUE(store_text(*store, "/a", 10));
    EXPECT_TRUE(has_anywhere(*store, "/a", 10));
    restart();
    EXPECT_EQ(found(150), 0) << "what could not be erased is not believed";
}

} // namespace
} // namespace mpsup::cache
