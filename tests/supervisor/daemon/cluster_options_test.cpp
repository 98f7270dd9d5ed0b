#include "supervisor/daemon/cluster_options.h"

#include "base/fd.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup {
namespace {

TEST(ClusterOptions, AKeyThatOthersMayReachIsNamed) {
    const std::string key = testing::TempDir() + "/key" + std::to_string(::getpid());
    ASSERT_TRUE(open_file(key, O_WRONLY | O_CREAT, 0600));
    ClusterOptions options;
    options.key = options.peer_key = key;
    EXPECT_TRUE(keys_open_to_others(options).empty());
    ASSERT_EQ(::chmod(key.c_str(), 0640), 0);
    EXPECT_TRUE(keys_open_to_others(options).empty()) << "the group may";
    ASSERT_EQ(::chmod(key.c_str(), 0644), 0);
    EXPECT_EQ(keys_open_to_others(options),
              (std::vector<std::string>{"--cluster-key: others may reach " + key + "; chmod o-rwx it",
                                        "--peer-key: others may reach " + key + "; chmod o-rwx it"}));
    std::filesystem::remove(key);
    EXPECT_TRUE(keys_open_to_others(options).empty()) << "which is said elsewhere";
}

} // namespace
} // namespace mpsup
