#include "worker/dynamic/body_store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <unistd.h>

namespace mpsup::dynamic {
namespace {

TEST(BodyStore, KeepsShortContentInMemory) {
    BodyStore store;
    ASSERT_TRUE(store.append("hello "));
    ASSERT_TRUE(store.append("world"));
    EXPECT_EQ(store.memory(), "hello world");
    EXPECT_EQ(store.file(), -1);
    EXPECT_EQ(store.size(), 11U);
}

TEST(BodyStore, MovesLongContentToAFileWithoutAName) {
    BodyStore store;
    const std::string piece(BodyStore::in_memory, 'a');
    ASSERT_TRUE(store.append(piece));
    ASSERT_TRUE(store.append("the end"));
    ASSERT_GE(store.file(), 0);
    EXPECT_EQ(store.size(), piece.size() + 7);
    std::string tail(7, '\0');
    EXPECT_EQ(::pread(store.file(), tail.data(), tail.size(), static_cast<off_t>(piece.size())), 7);
    EXPECT_EQ(tail, "the end");
}

TEST(BodyStore, StartsAfreshAfterClear) {
    BodyStore store;
    ASSERT_TRUE(store.append(std::string(2 * BodyStore::in_memory, 'a')));
    store.clear();
    EXPECT_EQ(store.file(), -1);
    EXPECT_EQ(store.size(), 0U);
    ASSERT_TRUE(store.append("b"));
    EXPECT_EQ(store.memory(), "b");
}

TEST(BodyStore, SaysWhyItCannotStore) {
    ::setenv("TMPDIR", "/no/such/folder", 1);
    BodyStore store;
    const auto stored = store.append(std::string(2 * BodyStore::in_memory, 'a'));
    ::unsetenv("TMPDIR");
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().code.value(), ENOENT);
}

} // namespace
} // namespace mpsup::dynamic
