// A file of the second tier in which anything may have changed, or whose writer was killed: what is found is what was stored.
#include "tests/worker/cache/killed_writer.h"
#include "tests/worker/cache/two_tiers.h"

#include <csignal>
#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::cache {
namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t disk_size = 8 * mebibyte;

std::string path(int number) { return "/page" + std::to_string(number); }
std::size_t size_of(int number) { return number == 7 ? 600'000 : static_cast<std::size_t>(number) * 500; }
constexpr int pages = 60;

class DamagedDisk : public testing::Test {
protected:
    TwoTiers tiers;
    std::string image;
    std::uint64_t used = 0;

    void SetUp() override {
        const SharedMemory memory(mebibyte);
        const auto store = tiers.attach(memory, disk_size);
        for (int i = 0; i < pages; ++i) ASSERT_TRUE(store_text(*store, path(i), size_of(i)));
        store->save_some(start + 30);
        ASSERT_EQ(store->stats().disk->objects, static_cast<std::uint64_t>(pages));
        store->retire();
        store->disk()->finish();
        image = tiers.image();
        used = image.find_last_not_of('\0') + 1;
    }

    // But for what nobody has written to.
    void heal() const { tiers.put(std::string_view(image).substr(0, used + 3 * mebibyte), 0); }

    // How many are found; none is wrong.
    static int count(Store& store) {
        int found = 0;
        for (int i = 0; i < pages; ++i) {
            const Hit hit = find_anywhere(store, path(i));
            if (!hit) continue;
            ++found;
            EXPECT_EQ(hit.fields(), "X-Path: " + path(i) + "\r\n");
            EXPECT_EQ(whole_content(store, hit), text_of(path(i), size_of(i)));
        }
        return found;
    }
};

TEST_F(DamagedDisk, LosesWhatIsDamagedAndNothingElse) {
    std::mt19937 random(1);
    std::uint64_t noticed = 0;
    std::uint64_t rounds = 0;
    for (std::uint64_t at = 0; at < used; at += at < 400 ? 1 : 1 + pick(random, 6000), ++rounds) {
        const char before = image[at];
        const char after = static_cast<char>(before ^ (1U << pick(random, 8)));
        tiers.put({&after, 1}, at);
        {
            const SharedMemory memory(mebibyte);
            const auto store = tiers.attach(memory, disk_size);
            ASSERT_TRUE(store->disk()->is_open());
            const int found = count(*store);
            noticed += found < pages ? 1 : 0;
            if (at >= 4096) {
                // A head that is lost takes the rest of its segment with it.
                EXPECT_TRUE(found >= pages - 1 || store->stats().disk->damaged > 0) << at;
            }
        }
        heal();
    }
    EXPECT_GT(rounds, 500U);
    EXPECT_GT(noticed, rounds / 2);
}

TEST_F(DamagedDisk, NeverBringsBackWhatWasErasedSince) {
    std::mt19937 random(2);
    for (int round = 0; round < 200; ++round) {
        const std::uint64_t at = 4096 + pick(random, static_cast<unsigned>(used - 4096));
        const char after = static_cast<char>(image[at] ^ 0x10);
        tiers.put({&after, 1}, at);
        const int erased = static_cast<int>(pick(random, pages));
        {
            const SharedMemory memory(mebibyte);
            const auto store = tiers.attach(memory, disk_size);
            store->erase(url(path(erased)));
            for (int i = 0; i < pages; i += 3)
                if (i != erased) store_text(*store, path(i), size_of(i));
            store->save_some(start + 30);
        }
        tiers.put({&image[at], 1}, at); // it heals: what was out of reach would be found again
        const SharedMemory memory(mebibyte);
        const auto store = tiers.attach(memory, disk_size);
        EXPECT_FALSE(find_anywhere(*store, path(erased))) << "changed at " << at;
        static_cast<void>(count(*store));
        store->retire();
        store->disk()->finish();
        heal();
    }
}

TEST_F(DamagedDisk, TellsOfIt) {
    const std::size_t content = image.find(text_of(path(50), size_of(50)));
    ASSERT_NE(content, std::string::npos);
    tiers.put("!", content + 100);
    tiers.told.clear();
    const SharedMemory memory(mebibyte);
    const auto store = tiers.attach(memory, disk_size);
    EXPECT_EQ(count(*store), pages - 1);
    EXPECT_EQ(store->stats().disk->damaged, 1U);
    ASSERT_EQ(tiers.told.size(), 1U);
    EXPECT_TRUE(tiers.told[0].contains("damaged"));
    EXPECT_FALSE(find_anywhere(*store, path(50))) << "and it is not looked at again";
    EXPECT_EQ(store->stats().disk->damaged, 1U);
}

TEST_F(DamagedDisk, IsReadThoughItIsShort) {
    for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{5000}, image.size() - 1}) {
        std::filesystem::resize_file(tiers.file(), size);
        const SharedMemory memory(mebibyte);
        const auto store = tiers.attach(memory, disk_size);
        EXPECT_TRUE(store->disk()->is_open());
        EXPECT_EQ(count(*store), 0);
        EXPECT_TRUE(store_text(*store, "/a", 300'000));
    }
}

// Stores, validates and erases until it is killed. Each version names itself.
[[noreturn]] void write_for_ever(TwoTiers& tiers, const SharedMemory& memory, unsigned seed, Progress& progress) {
    auto store = tiers.attach(memory, disk_size);
    while (!store->try_to_write()) ::usleep(100);
    std::mt19937 random(seed);
    for (unsigned version = 0;; ++version) {
        if (store->disk()->is_closed()) store->open_disk();
        const std::string name = path(static_cast<int>(pick(random, 300)));
        const unsigned what = pick(random, 10);
        if (what < 7) {
            store_version(*store, name, version, pick(random, 20) == 0 ? pick(random, 400'000) : pick(random, 10'000),
                          60);
        } else if (what < 9) {
            Hit hit = find_anywhere(*store, name);
            if (hit) store->freshen(hit, std::string(hit.fields()), hit.metadata());
        } else {
            store->erase(url(name));
        }
        progress.changed();
    }
}

TEST(DiskOfAKilledWriter, ServesNoWrongByte) {
    TwoTiers tiers;
    std::mt19937 random(71);
    std::size_t found = 0;
    for (int round = 0; round < 30 || (found <= 1000 && round < 300); ++round) { // a slow machine needs more
        const SharedMemory memory(mebibyte);
        Progress progress;
        const pid_t child = ::fork();
        if (child == 0) write_for_ever(tiers, memory, pick(random, 1000) + static_cast<unsigned>(round), progress);
        ASSERT_GT(child, 0);
        progress.wait_for(100 + pick(random, 1000)); // and dies wherever it is by then
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        const auto store = tiers.attach(memory, disk_size);
        ASSERT_TRUE(store->disk()->is_open()) << "the kernel let go of its lock";
        for (int i = 0; i < 300; ++i) {
            const Hit hit = find_anywhere(*store, path(i));
            if (!hit) continue;
            ++found;
            const std::string version(find_field(hit.fields(), "Version").value_or("none"));
            ASSERT_EQ(whole_content(*store, hit), text_of(version, hit.size())) << version;
            EXPECT_TRUE(version.starts_with(path(i) + "#"));
        }
        EXPECT_EQ(store->stats().disk->damaged, 0U) << (tiers.told.empty() ? "" : tiers.told.back());
    }
    EXPECT_GT(found, 1000U);
}

} // namespace
} // namespace mpsup::cache
