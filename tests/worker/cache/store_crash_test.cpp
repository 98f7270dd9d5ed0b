// The writer is killed at any moment: what is found afterwards is what was stored, and nothing is lost for good.
#include "tests/worker/cache/killed_writer.h"

#include <csignal>
#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup::cache {
namespace {

// Stores, validates and erases until it is killed.
[[noreturn]] void write_for_ever(const Fd& memory, unsigned seed, Progress& progress) {
    auto store = Store::attach(memory, {});
    while (!(*store)->try_to_write()) ::usleep(100);
    std::mt19937 random(seed);
    for (unsigned version = 0;; ++version) {
        const std::string path = "/" + std::to_string(pick(random, 300));
        const unsigned what = pick(random, 10);
        if (what < 7) {
            store_version(**store, path, version, pick(random, 20) == 0 ? pick(random, 200'000) : pick(random, 4000));
        } else if (what < 9) {
            Hit hit = find(**store, path);
            if (hit) (*store)->freshen(hit, std::string(hit.fields()), hit.metadata());
        } else {
            (*store)->erase(url(path));
        }
        progress.changed();
    }
}

std::size_t count_and_check(Store& store) {
    std::uint64_t cursor = 0;
    std::size_t count = 0;
    do {
        for (const StoredRow& row : store.list(cursor, 1000, "", start)) {
            const Hit hit = store.find(CacheKey::of_url(row.url), OwnedFields{}).hit;
            if (!hit) {
                ADD_FAILURE() << row.url << " is listed and not found";
                continue;
            }
            const std::string version(find_field(hit.fields(), "Version").value_or("none"));
            EXPECT_EQ(content_of(hit), text_of(version, hit.size())) << version;
            EXPECT_TRUE(("http://example.org" + version).starts_with(row.url + "#"));
            ++count;
        }
    } while (cursor != 0);
    return count;
}

TEST(StoreOfAKilledWriter, ServesNoWrongByte) {
    const SharedMemory memory(std::uint64_t{2} << 20U);
    std::mt19937 random(70);
    std::size_t found = 0;
    for (int round = 0; round < 40; ++round) {
        Progress progress;
        const pid_t child = ::fork();
        if (child == 0) write_for_ever(memory.file, pick(random, 1000), progress);
        ASSERT_GT(child, 0);
        progress.wait_for(50 + pick(random, 500)); // and dies wherever it is by then
        ASSERT_EQ(::kill(child, SIGKILL), 0);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);

        auto store = memory.attach();
        ASSERT_EQ(store->role(), Store::Role::writer) << "the kernel let go of its lock";
        found += count_and_check(*store);
        EXPECT_EQ(store->stats().damaged, 0U);
        if (round % 10 != 9) continue;
        store->clear();
        EXPECT_EQ(store->stats().used_bytes, 0U) << "no unit is lost";
    }
    EXPECT_GT(found, 1000U);
}

TEST(StoreOfAKilledWriter, IsReadByAGuestMeanwhile) {
    const SharedMemory memory(std::uint64_t{2} << 20U);
    Progress progress;
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(memory.file, 1, progress);
    ASSERT_GT(child, 0);
    progress.wait_for(1);
    std::size_t found = 0;
    for (int round = 0; round < 2000 && found < 2000; ++round) {
        auto guest = memory.attach();
        ASSERT_EQ(guest->role(), Store::Role::guest);
        for (int i = 0; i < 300; ++i) {
            const Hit hit = find(*guest, "/" + std::to_string(i));
            if (!hit) continue;
            ++found;
            const std::string version(find_field(hit.fields(), "Version").value_or("none"));
            ASSERT_EQ(content_of(hit), text_of(version, hit.size())) << version;
        }
    }
    EXPECT_GT(found, 0U);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

} // namespace
} // namespace mpsup::cache
