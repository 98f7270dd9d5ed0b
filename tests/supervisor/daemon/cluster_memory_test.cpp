#include "supervisor/daemon/cluster_memory.h"

#include "base/whole_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace mpsup {
namespace {

class ClusterMemoryFile : public testing::Test {
protected:
    ClusterMemoryFile() { std::filesystem::create_directory(folder_); }
    ~ClusterMemoryFile() override { std::filesystem::remove_all(folder_); }

    std::string folder_ = testing::TempDir() + "cluster-memory-" + std::to_string(::getpid());
    std::string path_ = folder_ + "/cluster";
};

TEST_F(ClusterMemoryFile, IsReadAsItWasWritten) {
    ClusterMemory memory;
    memory.store.cluster = 18446744073709551615U;
    memory.store.revision = 9007199254740993;
    memory.store.store = {"i1/51", {"i0/1"}, "root", cluster::WallTime(5)};
    memory.store.out = {"app1", "app2"};
    memory.runs = {7, "sha256:aa"};
    memory.document = "sha256:bb";
    memory.before = "sha256:cc";
    ASSERT_TRUE(write_whole_file(path_, text_of(memory)));
    EXPECT_EQ(read_cluster_memory(path_), memory);
    memory.runs.number = 8;
    ASSERT_TRUE(write_whole_file(path_, text_of(memory))) << "in its place";
    EXPECT_EQ(read_cluster_memory(path_), memory);
}

TEST_F(ClusterMemoryFile, ThatCannotBeReadIsNoLeaveToObeyAnyStore) {
    EXPECT_EQ(read_cluster_memory(path_), ClusterMemory{});
    for (const char* text : {"", "{", "[1]", R"({"cluster":-1,"number":"1x","out":[1],"document":7})"}) {
        std::ofstream(path_) << text;
        EXPECT_EQ(read_cluster_memory(path_).store.store.id, cluster::unreadable_store) << text;
    }
}

} // namespace
} // namespace mpsup
