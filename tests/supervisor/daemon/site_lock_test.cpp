#include "supervisor/daemon/site_lock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sys/wait.h>
#include <unistd.h>

namespace mpsup {
namespace {

class SiteLock : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-lock-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        path_ = folder_ + "/lock";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::string folder_, path_;
};

TEST_F(SiteLock, NamesWhoHasItAsLongAsHeHasIt) {
    {
        const Fd lock = take_site_lock(path_).value();
        EXPECT_EQ(site_lock_holder(path_), ::getpid());
    }
    EXPECT_EQ(site_lock_holder(path_), std::nullopt) << "though the file is there";
}

TEST_F(SiteLock, DoesNotNameAProcessThatIsNoMore) {
    const Fd lock = take_site_lock(path_).value();
    const pid_t dead = ::fork();
    if (dead == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
    const std::string text = std::to_string(dead) + "\n";
    ASSERT_EQ(::pwrite(lock.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
    ASSERT_EQ(::ftruncate(lock.get(), static_cast<off_t>(text.size())), 0);
    EXPECT_EQ(site_lock_holder(path_), 0);
}

} // namespace
} // namespace mpsup
