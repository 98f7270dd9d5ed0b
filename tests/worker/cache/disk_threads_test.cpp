// All threads of a process use both tiers: what is found is what was stored last.
#include "tests/worker/cache/two_tiers.h"

#include <array>
#include <atomic>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <random>
#include <thread>
#include <unistd.h>

namespace mpsup::cache {
namespace {

constexpr unsigned owners = 3;
constexpr unsigned pages = 300;
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

// Each page is stored and erased by one thread, its owner, and read by all.
class Site {
public:
    TwoTiers tiers;
    const SharedMemory memory{mebibyte};
    std::unique_ptr<Store> store = tiers.attach(memory);
    std::atomic<unsigned> found{0}, on_disk{0}, waited_for{0};

    void use(unsigned owner, std::mt19937& random) {
        const unsigned own = pick(random, pages / owners) * owners + owner;
        const unsigned what = pick(random, 20);
        if (what < 6) {
            put(own, random);
        } else if (what == 6) {
            store->erase(url(path(own)));
            oldest_[own] = latest_[own] + 1;
            read(own, &Site::nothing);
        } else if (what < 9) {
            read(own, &Site::validate);
        } else {
            read(pick(random, pages), &Site::nothing);
        }
    }
    void forget_page_cache() const {
        const Fd file(::open(tiers.file().c_str(), O_RDONLY | O_CLOEXEC));
        ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    }

private:
    using Act = void (Site::*)(Hit&);
    static std::string path(unsigned page) { return "/page" + std::to_string(page); }

    void put(unsigned page, std::mt19937& random) {
        const unsigned version = latest_[page] + 1;
        const std::string text = path(page) + "#" + std::to_string(version);
        const std::string fields = "Version: " + std::to_string(version) + "\r\n";
        const std::size_t size = pick(random, 40) == 0 ? 100'000 + pick(random, 300'000) : pick(random, 10'000);
        const CacheKey key = url(path(page));
        NewResponse response;
        response.key = key.text();
        response.fields = fields;
        response.metadata.lifetime = 600;
        response.metadata.response_time = start + version;
        latest_[page] = version;
        StoreWriter writer = store->begin(response);
        if (writer && writer.append(text_of(text, size)) && writer.commit())
            oldest_[page] = version;
        else
            store->erase(url(path(page)));
    }

    void read(unsigned page, Act act) {
        const unsigned oldest = oldest_[page];
        Store::Found at = store->find(url(path(page)), OwnedFields{});
        if (at.on_disk && !at.hit) {
            ++waited_for;
            at.hit = store->disk()->load(at.on_disk);
            if (at.hit && at.again) store->promote(at.hit);
        }
        if (!at.hit) return;
        ++found;
        if (at.hit.object()->disk) ++on_disk;
        const std::string version(find_field(at.hit.fields(), "Version").value_or("none"));
        ASSERT_GE(std::stoul(version), oldest) << path(page) << " is stale";
        const std::string content = whole_content(*store, at.hit);
        ASSERT_EQ(content.size(), at.hit.size());
        ASSERT_TRUE(content == text_of(path(page) + "#" + version, content.size())) << path(page);
        (this->*act)(at.hit);
    }
    void nothing(Hit& hit) { ASSERT_TRUE(hit); }
    void validate(Hit& hit) {
        const std::string fields(hit.fields());
        store->freshen(hit, fields, hit.metadata());
    }

    std::array<std::atomic<unsigned>, pages> latest_{}; // that was begun
    std::array<std::atomic<unsigned>, pages> oldest_{}; // that may be found
};

TEST(DiskOfThreads, GivesEachWhatWasStoredLast) {
    Site site;
    std::atomic<unsigned> running{owners};
    std::vector<std::thread> threads;
    for (unsigned owner = 0; owner < owners; ++owner)
        threads.emplace_back([&, owner] {
            std::mt19937 random(owner);
            for (int i = 0; i < 6000 && !testing::Test::HasFailure(); ++i) site.use(owner, random);
            --running;
        });
    while (running > 0) { // as the process does every now and then
        site.store->save_some(start + 200);
        site.store->disk()->sync();
        site.forget_page_cache();
        std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(site.found, 1000U);
    EXPECT_GT(site.on_disk, 100U);
    EXPECT_EQ(site.store->stats().disk->damaged, 0U) << (site.tiers.told.empty() ? "" : site.tiers.told.back());
}

// What one brings to memory another purges, in the same moment.
TEST(DiskOfThreads, PurgesWhatIsOnItsWayToMemory) {
    constexpr int count = 4000;
    TwoTiers tiers;
    const SharedMemory memory{mebibyte};
    const auto store = tiers.attach(memory);
    const auto path = [](int page) { return "/page" + std::to_string(page); };
    for (int i = 0; i < count; ++i) {
        ASSERT_TRUE(store_text(*store, path(i), 500));
        if (i % 256 == 0) store->disk()->finish();
    }
    store->disk()->finish();
    std::atomic<int> purging{0}, promoting{0};
    const auto meet = [](std::atomic<int>& own, const std::atomic<int>& other, int page) {
        own = page + 1;
        while (other < page + 1) std::this_thread::yield();
    };
    std::thread reader([&] {
        for (int i = 0; i < count; ++i) {
            static_cast<void>(find_anywhere(*store, path(i)));
            meet(promoting, purging, i);
            Hit hit = find_anywhere(*store, path(i));
            if (hit) store->promote(hit);
        }
    });
    for (int i = 0; i < count; ++i) {
        meet(purging, promoting, i);
        store->erase(url(path(i)));
    }
    reader.join();
    int left = 0;
    for (int i = 0; i < count; ++i) left += find_anywhere(*store, path(i)) ? 1 : 0;
    EXPECT_EQ(left, 0);
}

TEST(DiskOfThreads, RetiresUnderThem) {
    Site site;
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (unsigned owner = 0; owner < owners; ++owner)
        threads.emplace_back([&, owner] {
            std::mt19937 random(owner);
            while (!stop) site.use(owner, random);
        });
    while (site.on_disk < 50) std::this_thread::yield();
    site.store->disk()->retire(); // the memory of one that has retired is not to be read here: see store_threads_test
    site.store->disk()->finish();
    const SharedMemory other(mebibyte);
    const auto next = site.tiers.attach(other);
    EXPECT_TRUE(next->disk()->is_open());
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(next->stats().disk->damaged, 0U);
}

} // namespace
} // namespace mpsup::cache
