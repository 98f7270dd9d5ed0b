#include "worker/cache/store.h"

#include "base/memfd.h"
#include "tests/worker/cache/stored_text.h"

#include <gtest/gtest.h>
#include <set>

namespace mpsup::cache {
namespace {

class StoreOfOne : public testing::Test {
protected:
    SharedMemory memory;
    std::unique_ptr<Store> store = memory.attach();
};

TEST_F(StoreOfOne, GivesBackWhatWasStored) {
    for (const std::size_t size : {0, 1, 1023, 1024, 1025, 5000, 65536, 65537, 300000}) {
        const std::string path = "/" + std::to_string(size);
        EXPECT_TRUE(store_text(*store, path, size)) << size;
        EXPECT_TRUE(has_text(*store, path, size)) << size;
    }
    const Hit hit = find(*store, "/5000");
    EXPECT_EQ(hit.fields(), "X-Path: /5000\r\n");
    EXPECT_EQ(hit.metadata().lifetime, 60);
    EXPECT_EQ(hit.piece(4999).size(), 1U);
    EXPECT_EQ(hit.piece(5000), "");
    EXPECT_FALSE(find(*store, "/other"));
    EXPECT_EQ(store->stats().objects, 9U);
}

TEST_F(StoreOfOne, FindsNothingBeforeItIsWhole) {
    const CacheKey key = url("/a");
    NewResponse response;
    response.key = key.text();
    response.length = 10;
    StoreWriter writer = store->begin(response);
    EXPECT_TRUE(writer.append("12345"));
    EXPECT_FALSE(find(*store, "/a"));
    EXPECT_FALSE(writer.commit()) << "five bytes are missing";
    EXPECT_FALSE(find(*store, "/a"));
    writer = store->begin(response);
    EXPECT_FALSE(writer.append("12345678901")) << "more than it said";
    EXPECT_FALSE(writer);
    {
        StoreWriter left = store->begin(response);
        EXPECT_TRUE(left.append("12345"));
    }
    EXPECT_EQ(store->stats().used_bytes, 0U) << "what was given up takes no room";
    EXPECT_EQ(store->stats().rejected, 2U);
}

TEST_F(StoreOfOne, ReplacesAndKeepsWhatIsBeingSent) {
    ASSERT_TRUE(store_text(*store, "/a", 100));
    const Hit old = find(*store, "/a");
    const std::string before = content_of(old);
    ASSERT_TRUE(store_text(*store, "/a", 200));
    EXPECT_TRUE(has_text(*store, "/a", 200));
    for (int i = 0; i < 3000; ++i) store_text(*store, "/fill" + std::to_string(i), 2000);
    EXPECT_EQ(content_of(old), before) << "its memory is nobody else's while it is held";
    EXPECT_GT(store->stats().evicted, 0U);
}

TEST_F(StoreOfOne, SelectsVariants) {
    const auto variant = [](const OwnedFields& request) {
        return *variant_text(OwnedFields{{"Vary", "Foo"}}, request);
    };
    const std::string one = variant({{"Foo", "1"}}), two = variant({{"Foo", "2"}});
    NewResponse response;
    response.variant = one;
    response.fields = "V: 1\r\n";
    ASSERT_TRUE(store_text(*store, "/a", 5, response));
    response.variant = two;
    response.fields = "V: 2\r\n";
    ASSERT_TRUE(store_text(*store, "/a", 5, response));
    EXPECT_EQ(find(*store, "/a", {{"Foo", "1"}}).fields(), "V: 1\r\n");
    EXPECT_EQ(find(*store, "/a", {{"Foo", "2"}}).fields(), "V: 2\r\n");
    const Store::Found found = store->find(url("/a"), OwnedFields{{"Foo", "3"}});
    EXPECT_FALSE(found.hit);
    EXPECT_TRUE(found.known);
    EXPECT_FALSE(store->find(url("/b"), OwnedFields{}).known);
    EXPECT_EQ(store->erase(url("/a")), 2U);
}

TEST_F(StoreOfOne, PrefersTheLatestOfThoseThatMatch) {
    NewResponse response;
    response.variant = "foo:1\n";
    response.fields = "V: old\r\n";
    ASSERT_TRUE(store_text(*store, "/a", 5, response));
    response.variant = "";
    response.fields = "V: new\r\n";
    ASSERT_TRUE(store_text(*store, "/a", 5, response));
    EXPECT_EQ(find(*store, "/a", {{"Foo", "1"}}).fields(), "V: new\r\n");
}

TEST_F(StoreOfOne, Fault70HasALimitOfVariants) {
    for (int i = 0; i < 100; ++i) {
        const std::string variant = "foo:" + std::to_string(i) + "\n";
        NewResponse response;
        response.variant = variant;
        ASSERT_TRUE(store_text(*store, "/a", 5, response));
        ASSERT_TRUE(find(*store, "/a", {{"Foo", "0"}})) << "used again and again: it stays";
    }
    EXPECT_EQ(store->stats().objects, 16U);
    EXPECT_TRUE(find(*store, "/a", {{"Foo", "99"}}));
    EXPECT_FALSE(find(*store, "/a", {{"Foo", "50"}}));
}

TEST_F(StoreOfOne, Fault70EvictsWhatWasNotUsedForLongest) {
    for (int i = 0; i < 2000; ++i) {
        ASSERT_TRUE(store_text(*store, "/" + std::to_string(i), 4000));
        ASSERT_TRUE(find(*store, "/0"));
    }
    EXPECT_TRUE(has_text(*store, "/0", 4000));
    EXPECT_TRUE(has_text(*store, "/1999", 4000));
    EXPECT_FALSE(find(*store, "/1"));
    const StoreStats stats = store->stats();
    EXPECT_EQ(stats.objects + stats.evicted, 2000U);
    EXPECT_LE(stats.used_bytes, stats.bytes);
}

TEST_F(StoreOfOne, Fault70StandsSmallAndHugeObjects) {
    for (int i = 0; i < 50'000; ++i) ASSERT_TRUE(store_text(*store, "/" + std::to_string(i), 1));
    EXPECT_LE(store->stats().used_bytes, store->stats().bytes);
    EXPECT_LE(store->stats().objects, (std::uint64_t{4} << 20U) / 2048);
    EXPECT_TRUE(store_text(*store, "/large", 400'000));
    EXPECT_TRUE(has_text(*store, "/large", 400'000));
    EXPECT_FALSE(store_text(*store, "/huge", 600'000)) << "more than an eighth of the memory";
    NewResponse response;
    response.key = "http://example.org/huge";
    response.length = std::uint64_t{1} << 62U;
    EXPECT_FALSE(store->begin(response)) << "known from the start";
    const std::string fields(70'000, 'x');
    response.length = 1;
    response.fields = fields;
    EXPECT_FALSE(store->begin(response));
}

TEST_F(StoreOfOne, IsNotFilledByWhatIsOnItsWay) {
    ASSERT_TRUE(store_text(*store, "/kept", 1000));
    std::vector<StoreWriter> writers;
    const std::string part = text_of("part", 100'000);
    std::size_t refused = 0;
    for (int i = 0; i < 100; ++i) {
        const CacheKey key = url("/" + std::to_string(i));
        NewResponse response;
        response.key = key.text();
        writers.push_back(store->begin(response));
        refused += writers.back().append(part) ? 0 : 1;
    }
    EXPECT_GT(refused, 50U);
    EXPECT_TRUE(has_text(*store, "/kept", 1000)) << "half of the memory is for what is whole";
}

TEST_F(StoreOfOne, DoesNotStoreFieldsThatWouldBreakAReply) {
    for (const char* fields : {"A: b\r\nevil\r\n", "A: b\nB: c\r\n", "A b: c\r\n", ": x\r\n", "A: b", "A:b\r\n"}) {
        NewResponse response;
        response.fields = fields;
        EXPECT_FALSE(store_text(*store, "/a", 5, response)) << fields;
    }
    EXPECT_EQ(store->stats().used_bytes, 0U);
}

TEST_F(StoreOfOne, FreshensTheHeadAndKeepsTheContent) {
    ASSERT_TRUE(store_text(*store, "/a", 100'000));
    const std::uint64_t used = store->stats().used_bytes;
    Hit hit = find(*store, "/a");
    for (int i = 0; i < 100; ++i) {
        Metadata metadata = hit.metadata();
        metadata.response_time = start + i;
        ASSERT_TRUE(store->freshen(hit, "N: " + std::to_string(i) + "\r\n", metadata));
    }
    EXPECT_EQ(hit.fields(), "N: 99\r\n");
    EXPECT_TRUE(has_text(*store, "/a", 100'000));
    EXPECT_EQ(find(*store, "/a").metadata().response_time, start + 99);
    EXPECT_EQ(store->stats().used_bytes, used);
    EXPECT_EQ(store->stats().objects, 1U);
}

TEST_F(StoreOfOne, ErasesAndStaysErased) {
    ASSERT_TRUE(store_text(*store, "/a", 100));
    Hit hit = find(*store, "/a");
    const std::uint64_t mark = store->mark();
    EXPECT_EQ(store->erase(url("/a")), 1U);
    EXPECT_EQ(store->erase(url("/a")), 0U);
    EXPECT_FALSE(find(*store, "/a"));
    EXPECT_EQ(content_of(hit), text_of("/a", 100)) << "who sends it may go on";
    EXPECT_FALSE(store->freshen(hit, "A: b\r\n", hit.metadata())) << "a validation of what is gone";
    NewResponse response;
    response.mark = mark;
    EXPECT_FALSE(store_text(*store, "/a", 100, response)) << "asked for before it was erased";
    EXPECT_TRUE(store_text(*store, "/b", 100, response));
    response.mark = store->mark();
    EXPECT_TRUE(store_text(*store, "/a", 100, response));
}

TEST_F(StoreOfOne, RemembersErasuresLongEnoughOrTakesNoChance) {
    const std::uint64_t mark = store->mark();
    for (int i = 0; i < 100'000; ++i) store->erase(url("/" + std::to_string(i)));
    NewResponse response;
    response.mark = mark;
    EXPECT_FALSE(store_text(*store, "/0", 10, response));
    EXPECT_FALSE(store_text(*store, "/never-erased", 10, response));
}

TEST_F(StoreOfOne, ErasesByTag) {
    NewResponse response;
    response.tags = "news\npage-1\n";
    ASSERT_TRUE(store_text(*store, "/a", 10, response));
    response.tags = "page-1\n";
    ASSERT_TRUE(store_text(*store, "/b", 10, response));
    ASSERT_TRUE(store_text(*store, "/c", 10));
    EXPECT_EQ(store->erase_tag("page"), 0U);
    EXPECT_EQ(store->erase_tag("news"), 1U);
    EXPECT_EQ(store->erase_tag("page-1"), 1U);
    EXPECT_TRUE(find(*store, "/c"));
    EXPECT_EQ(store->clear(), 1U);
    EXPECT_EQ(store->stats().erased, 3U);
    EXPECT_EQ(store->stats().used_bytes, 0U);
}

TEST_F(StoreOfOne, ListsPageByPage) {
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(store_text(*store, "/" + std::to_string(i), 10));
    ASSERT_TRUE(store_text(*store, "/x/y", 10));
    std::set<std::string> urls;
    std::uint64_t cursor = 0;
    std::size_t pages = 0;
    do {
        for (const StoredRow& row : store->list(cursor, 100, "", start + 5)) {
            EXPECT_TRUE(urls.insert(row.url).second) << row.url;
            EXPECT_EQ(row.age, 5);
            EXPECT_EQ(row.ttl, 55);
            EXPECT_EQ(row.size, 10U);
        }
        ++pages;
    } while (cursor != 0);
    EXPECT_EQ(urls.size(), 1001U);
    EXPECT_GE(pages, 9U);
    cursor = 0;
    EXPECT_EQ(store->list(cursor, 100, "http://example.org/x/", start).size(), 1U);
}

TEST(StoreMemory, IsRefusedWhenItIsNone) {
    EXPECT_FALSE(Store::attach(Fd(), {}));
    EXPECT_FALSE(Store::attach(*open_file("/proc/self/exe", 0), {}));
    EXPECT_FALSE(Store::attach(*make_sealed_memfd("small", 4096), {}));
}

} // namespace
} // namespace mpsup::cache
