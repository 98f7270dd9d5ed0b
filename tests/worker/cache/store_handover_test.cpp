// Several processes and one memory.
#include "tests/worker/cache/stored_text.h"

#include "worker/cache/arena.h"
#include "worker/cache/object.h"

#include <cstring>
#include <gtest/gtest.h>

namespace mpsup::cache {
namespace {

using Role = Store::Role;

class Handover : public testing::Test {
protected:
    SharedMemory memory;
    std::unique_ptr<Store> old = memory.attach();
    std::unique_ptr<Store> next;

    void fill(Store& store, int count, std::size_t size = 2000) {
        for (int i = 0; i < count; ++i) ASSERT_TRUE(store_text(store, "/fill" + std::to_string(i), size));
    }
};

TEST_F(Handover, StartsWarmAfterTheWriterHasEnded) {
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(store_text(*old, "/" + std::to_string(i), static_cast<std::size_t>(i) * 97));
    const std::uint64_t used = old->stats().used_bytes;
    old.reset();
    next = memory.attach();
    EXPECT_EQ(next->role(), Role::writer);
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(has_text(*next, "/" + std::to_string(i), static_cast<std::size_t>(i) * 97));
    EXPECT_EQ(next->stats().used_bytes, used);
    EXPECT_EQ(next->stats().objects, 100U);
    EXPECT_EQ(next->clear(), 100U);
    EXPECT_EQ(next->stats().used_bytes, 0U);
}

TEST_F(Handover, KeepsEverythingOfAResponse) {
    NewResponse response;
    response.variant = "foo:1\n";
    response.tags = "t\n";
    response.fields = "A: b\r\nC: d\r\n";
    response.metadata.stale_if_error = 7;
    response.metadata.status = 404;
    response.metadata.must_revalidate = true;
    ASSERT_TRUE(store_text(*old, "/a", 10, response));
    old.reset();
    next = memory.attach();
    const Hit hit = find(*next, "/a", {{"Foo", "1"}});
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit.fields(), response.fields);
    EXPECT_EQ(hit.metadata().stale_if_error, 7);
    EXPECT_EQ(hit.metadata().status, 404);
    EXPECT_TRUE(hit.metadata().must_revalidate);
    EXPECT_FALSE(hit.metadata().always_validate);
    EXPECT_EQ(next->erase_tag("t"), 1U);
}

TEST_F(Handover, TakesTheLatestOfWhatWasValidated) {
    ASSERT_TRUE(store_text(*old, "/a", 5000));
    Hit hit = find(*old, "/a");
    ASSERT_TRUE(old->freshen(hit, "N: 1\r\n", hit.metadata()));
    hit = {};
    old.reset();
    next = memory.attach();
    EXPECT_EQ(find(*next, "/a").fields(), "N: 1\r\n");
    EXPECT_TRUE(has_text(*next, "/a", 5000));
    EXPECT_EQ(next->stats().objects, 1U);
}

TEST_F(Handover, LetsOneWriteAndTheOtherRead) {
    ASSERT_TRUE(store_text(*old, "/a", 3000));
    next = memory.attach();
    EXPECT_EQ(next->role(), Role::guest);
    EXPECT_FALSE(next->try_to_write());
    EXPECT_TRUE(has_text(*next, "/a", 3000));
    EXPECT_FALSE(store_text(*next, "/b", 10));
    Hit hit = find(*next, "/a");
    EXPECT_FALSE(next->freshen(hit, "A: b\r\n", hit.metadata()));
    old->retire();
    EXPECT_TRUE(next->try_to_write());
    EXPECT_EQ(next->role(), Role::writer);
    EXPECT_TRUE(store_text(*next, "/b", 10));
    EXPECT_TRUE(has_text(*next, "/a", 3000));
    EXPECT_FALSE(store_text(*old, "/c", 10)) << "it never writes again";
    EXPECT_FALSE(old->try_to_write());
}

TEST_F(Handover, LetsAGuestReadOnlyWhatIsStillThere) {
    fill(*old, 100);
    next = memory.attach();
    fill(*old, 5000, 1000);
    for (int i = 0; i < 100; ++i) {
        const std::string path = "/fill" + std::to_string(i);
        const Hit hit = find(*next, path);
        if (hit) {
            EXPECT_EQ(content_of(hit), text_of(path, hit.size()));
        }
    }
    EXPECT_EQ(old->erase(url("/fill4999")), 1U);
}

TEST_F(Handover, LetsTheRetiredReadOnWithoutHarm) {
    fill(*old, 500);
    old->retire();
    next = memory.attach();
    ASSERT_EQ(next->role(), Role::writer);
    EXPECT_TRUE(has_text(*old, "/fill7", 2000));
    std::size_t found = 0;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 200; ++i) ASSERT_TRUE(store_text(*next, "/new" + std::to_string(round * 200 + i), 1500));
        for (int i = 0; i < 500; ++i) {
            const std::string path = "/fill" + std::to_string(i);
            const Hit hit = find(*old, path);
            if (!hit) continue;
            ++found;
            ASSERT_EQ(content_of(hit), text_of(path, 2000));
        }
    }
    EXPECT_GT(found, 0U);
    EXPECT_FALSE(find(*old, "/fill7")) << "long overwritten";
}

TEST_F(Handover, LeavesAloneWhatTheOldOneStillSends) {
    fill(*old, 500);
    ASSERT_TRUE(store_text(*old, "/large", 200'000));
    const Hit hit = find(*old, "/large");
    const Hit replaced = find(*old, "/fill3");
    ASSERT_TRUE(store_text(*old, "/fill3", 100)) << "pinned, and not to be found any more";
    old->retire();
    next = memory.attach();
    ASSERT_EQ(next->role(), Role::writer);
    EXPECT_TRUE(has_text(*next, "/large", 200'000)) << "the new one may send it as well";
    for (int i = 0; i < 6000; ++i) ASSERT_TRUE(store_text(*next, "/new" + std::to_string(i), 2000));
    EXPECT_FALSE(find(*next, "/large")) << "evicted there";
    EXPECT_EQ(content_of(hit), text_of("/large", 200'000));
    EXPECT_EQ(content_of(replaced), text_of("/fill3", 2000));
}

TEST_F(Handover, TakesTheMemoryBackWhenTheOldOneIsGone) {
    ASSERT_TRUE(store_text(*old, "/large", 400'000));
    Hit hit = find(*old, "/large");
    old->retire();
    next = memory.attach();
    next->clear();
    const std::uint64_t used = next->stats().used_bytes;
    EXPECT_GE(used, 400'000U);
    hit = {};
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(store_text(*next, "/new" + std::to_string(i), 2000));
    EXPECT_GT(next->stats().evicted, 0U);
    old.reset();
    for (int i = 0; i < 3000; ++i) ASSERT_TRUE(store_text(*next, "/new" + std::to_string(i), 2000));
    next->clear();
    EXPECT_EQ(next->stats().used_bytes, 0U);
}

TEST_F(Handover, PassesOnWhatMustBeLeftAlone) {
    ASSERT_TRUE(store_text(*old, "/large", 300'000));
    Hit shared = find(*old, "/large");
    ASSERT_TRUE(old->freshen(shared, "N: 1\r\n", shared.metadata()));
    const Hit first = find(*old, "/large");
    old->retire();
    std::vector<std::unique_ptr<Store>> all;
    std::vector<Hit> hits;
    for (int i = 0; i < 5; ++i) {
        all.push_back(memory.attach());
        Store& store = *all.back();
        ASSERT_EQ(store.role(), Role::writer) << i;
        if (Hit hit = find(store, "/large")) {
            ASSERT_EQ(content_of(hit), text_of("/large", 300'000));
            hits.push_back(std::move(hit));
        }
        if (i == 2) {
            EXPECT_EQ(store.erase(url("/large")), 1U);
        }
        for (int n = 0; n < 400; ++n) ASSERT_TRUE(store_text(store, "/n" + std::to_string(n), 2000));
        store.retire();
    }
    EXPECT_EQ(hits.size(), 3U);
    hits.push_back(std::move(shared));
    for (const Hit& hit : hits) EXPECT_EQ(content_of(hit), text_of("/large", 300'000));
    EXPECT_EQ(content_of(first), text_of("/large", 300'000));
}

TEST_F(Handover, TellsTheWriterWhatToErase) {
    fill(*old, 10);
    next = memory.attach();
    EXPECT_EQ(next->erase(url("/fill1")), 1U);
    EXPECT_FALSE(find(*next, "/fill1"));
    EXPECT_FALSE(find(*old, "/fill1"));
    EXPECT_TRUE(find(*old, "/fill2"));
    old->retire();
    ASSERT_TRUE(next->try_to_write());
    EXPECT_FALSE(find(*next, "/fill1"));
    old->erase(url("/fill2"));
    EXPECT_FALSE(find(*next, "/fill2"));
    EXPECT_FALSE(find(*old, "/fill2"));
    ASSERT_TRUE(store_text(*next, "/fill2", 2000)) << "and can be stored anew";
    EXPECT_TRUE(has_text(*next, "/fill2", 2000));
    EXPECT_TRUE(find(*next, "/fill3"));
    old->clear();
    EXPECT_FALSE(find(*next, "/fill3"));
}

TEST_F(Handover, ForgetsNoErasure) {
    fill(*old, 10);
    auto guest = memory.attach();
    for (int i = 0; i < 1000; ++i) guest->erase(url("/other" + std::to_string(i)));
    EXPECT_FALSE(find(*old, "/fill1")) << "more than the log keeps: it may have been among them";
    fill(*old, 10);
    old->retire();
    guest->erase(url("/fill4"));
    next = memory.attach();
    ASSERT_EQ(next->role(), Role::writer);
    EXPECT_FALSE(find(*next, "/fill4"));
    EXPECT_TRUE(find(*next, "/fill5"));
}

TEST_F(Handover, GivesUpWhatIsBeingStored) {
    const CacheKey key = url("/a");
    NewResponse response;
    response.key = key.text();
    StoreWriter writer = old->begin(response);
    ASSERT_TRUE(writer.append("12345"));
    old->retire();
    next = memory.attach();
    EXPECT_FALSE(writer.append("67890"));
    EXPECT_FALSE(writer.commit());
    EXPECT_EQ(next->stats().used_bytes, 0U);
}

TEST_F(Handover, Fault70TakesNothingFromAnotherLayout) {
    fill(*old, 10);
    old.reset();
    auto arena = Arena::map(memory.file);
    ASSERT_TRUE(arena);
    EXPECT_TRUE(arena->is_sound());
    auto* header = arena->at(0) - (std::size_t{arena->units()} * 8 + 8192 + 65535) / 65536 * 65536;
    header[8] ^= 1; // the layout's number
    EXPECT_FALSE(arena->is_sound());
    next = memory.attach();
    EXPECT_EQ(next->role(), Role::writer);
    EXPECT_EQ(next->stats().objects, 0U);
    EXPECT_TRUE(store_text(*next, "/a", 10));
}

TEST_F(Handover, WaitsUntilNobodySendsFromAnotherLayout) {
    fill(*old, 10);
    const Hit hit = find(*old, "/fill1");
    auto arena = Arena::map(memory.file);
    arena->at(0)[8 - static_cast<std::ptrdiff_t>((std::size_t{arena->units()} * 8 + 8192 + 65535) / 65536 * 65536)] ^=
        1;
    old->retire();
    next = memory.attach();
    EXPECT_EQ(next->role(), Role::guest);
    EXPECT_EQ(content_of(hit), text_of("/fill1", 2000));
}

TEST_F(Handover, Fault70ServesNoDamagedByte) {
    fill(*old, 200);
    old.reset();
    auto arena = Arena::map(memory.file);
    std::size_t touched = 0;
    for (std::uint32_t unit = 0; unit < arena->units(); unit += 3)
        if (arena->at(unit)[500] != 0) {
            arena->at(unit)[500] ^= 4;
            ++touched;
        }
    ASSERT_GT(touched, 0U);
    next = memory.attach();
    std::size_t found = 0, lost = 0;
    for (int i = 0; i < 200; ++i) {
        const std::string path = "/fill" + std::to_string(i);
        const Hit hit = find(*next, path);
        hit ? ++found : ++lost;
        if (hit) {
            EXPECT_EQ(content_of(hit), text_of(path, 2000));
        }
    }
    EXPECT_GT(found, 0U);
    EXPECT_GT(lost, 0U);
    EXPECT_TRUE(store_text(*next, "/after", 2000));
}

TEST_F(Handover, BelievesNoNumberOfADamagedRecord) {
    const auto store_variant = [](Store& store, std::string_view variant, std::string_view fields) {
        NewResponse response;
        response.variant = variant;
        response.fields = fields;
        return store_text(store, "/a", 10, response);
    };
    ASSERT_TRUE(store_variant(*old, "a:1\n", "N: 1\r\n"));
    ASSERT_TRUE(store_text(*old, "/damaged", 10));
    const std::uint64_t damaged = find(*old, "/damaged").object()->record.id;
    old.reset();
    auto arena = Arena::map(memory.file);
    for (std::uint32_t unit = 0; unit < arena->units(); ++unit) {
        RecordHeader header;
        std::memcpy(&header, arena->at(unit), sizeof header);
        if (arena->mark(unit).kind != UnitKind::record || header.id != damaged) continue;
        header.id = UINT64_MAX;
        std::memcpy(arena->at(unit), &header, sizeof header);
    }
    next = memory.attach();
    EXPECT_FALSE(find(*next, "/damaged"));
    ASSERT_TRUE(store_variant(*next, "b:1\n", "N: 2\r\n"));
    next.reset();
    next = memory.attach();
    EXPECT_EQ(find(*next, "/a", {{"A", "1"}, {"B", "1"}}).fields(), "N: 2\r\n") << "the later of two that match";
}

} // namespace
} // namespace mpsup::cache
