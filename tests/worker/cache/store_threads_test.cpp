// All threads of a process use one store.
#include "tests/worker/cache/stored_text.h"

#include <atomic>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace mpsup::cache {
namespace {

constexpr std::size_t size_of_one = 3000;

// One of everything that a thread may do with a URL.
void use(Store& store, std::mt19937& random, std::atomic<int>& found) {
    const std::string path = "/" + std::to_string(pick(random, 400));
    const unsigned what = pick(random, 20);
    if (what == 0) {
        store.erase(url(path));
    } else if (what < 6) {
        store_text(store, path, size_of_one);
    } else {
        Hit hit = find(store, path);
        if (!hit) return;
        ++found;
        if (what == 7) store.freshen(hit, "N: x\r\n", hit.metadata());
        ASSERT_EQ(content_of(hit), text_of(path, size_of_one));
    }
}

TEST(StoreOfThreads, GivesEachWhatWasStored) {
    const SharedMemory memory(std::uint64_t{1} << 20U);
    auto store = memory.attach();
    std::atomic<int> found{0};
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed)
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            for (int i = 0; i < 3000; ++i) use(*store, random, found);
        });
    for (std::thread& thread : threads) thread.join();
    EXPECT_GT(found, 0);
    store->clear();
    EXPECT_EQ(store->stats().used_bytes, 0U);
}

TEST(StoreOfThreads, RetiresUnderThem) {
    const SharedMemory memory(std::uint64_t{1} << 20U);
    auto store = memory.attach();
    std::atomic<int> found{0};
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 3; ++seed)
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            while (!stop) use(*store, random, found);
        });
    while (found < 200) std::this_thread::yield();
    store->retire();
    auto next = memory.attach();
    EXPECT_EQ(next->role(), Store::Role::writer);
    // What the old one finds now is copied from memory that is being overwritten; a sanitizer would rightly call that a race,
    // so nothing is written until its threads are done. store_crash_test does it across processes.
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(store_text(*next, "/after", size_of_one));
}

} // namespace
} // namespace mpsup::cache
