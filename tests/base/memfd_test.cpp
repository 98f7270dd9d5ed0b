#include "base/memfd.h"

#include <gtest/gtest.h>

#include <cstring>
#include <unistd.h>

namespace mpsup {
namespace {

TEST(Memfd, CannotBeResizedByAnybody) {
    const auto fd = make_sealed_memfd("test", 4096);
    ASSERT_TRUE(fd);
    EXPECT_TRUE(is_sealed_memfd(fd->get(), 4096));
    EXPECT_NE(::ftruncate(fd->get(), 0), 0);
    EXPECT_NE(::ftruncate(fd->get(), 8192), 0);
}

TEST(Memfd, IsNotMistakenForAnother) {
    const auto fd = make_sealed_memfd("test", 4096);
    EXPECT_FALSE(is_sealed_memfd(fd->get(), 8192)) << "another size";
    const auto pipe = make_pipe();
    EXPECT_FALSE(is_sealed_memfd(pipe->read.get(), 4096)) << "no memory at all";
    const auto file = open_file("/proc/self/exe", 0);
    EXPECT_FALSE(is_sealed_memfd(file->get(), 4096)) << "a file";
}

TEST(Memfd, IsTheSameMemoryInEveryMapping) {
    const auto fd = make_sealed_memfd("test", 4096);
    const auto writer = Mapping::read_write(fd->get(), 4096);
    const auto reader = Mapping::read_only(fd->get(), 4096);
    ASSERT_TRUE(writer && reader);
    std::memcpy(writer->data(), "hello", 6);
    EXPECT_STREQ(static_cast<const char*>(reader->data()), "hello");
}

} // namespace
} // namespace mpsup
