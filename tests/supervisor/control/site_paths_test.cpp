#include "supervisor/control/site_paths.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>

namespace mpsup {
namespace {

class SitePathsTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-paths-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    static unsigned mode_of(const std::string& path) {
        struct stat status{};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 07777;
    }
    std::string folder_;
};

TEST_F(SitePathsTest, KeepsOthersOutOfControlButLetsWorkersToTheContract) {
    const auto base = BaseDirs::find(folder_ + "/state", std::nullopt).value();
    const SitePaths paths(base, "shop");
    ASSERT_TRUE(paths.create());
    EXPECT_EQ(mode_of(paths.state_dir()), 0700U);
    EXPECT_EQ(mode_of(paths.run_dir() + "/control"), 0700U);
    EXPECT_EQ(mode_of(paths.run_dir() + "/contract"), 0711U);
    ASSERT_TRUE(paths.create()) << "and again";
}

TEST_F(SitePathsTest, MendsAModeThatSomebodyLoosened) {
    const SitePaths paths(BaseDirs::find(folder_, std::nullopt).value(), "shop");
    ASSERT_TRUE(paths.create());
    ASSERT_EQ(::chmod((paths.run_dir() + "/control").c_str(), 0777), 0);
    ASSERT_TRUE(paths.create());
    EXPECT_EQ(mode_of(paths.run_dir() + "/control"), 0700U);
}

TEST_F(SitePathsTest, RefusesARunFolderThatMakesSocketPathsTooLong) {
    const auto base = BaseDirs::find(folder_, folder_ + "/" + std::string(80, 'x')).value();
    const auto made = SitePaths(base, "shop").create();
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().what.find("--run-dir"), std::string::npos) << "and says what helps";
}

TEST_F(SitePathsTest, RefusesAFileWhereAFolderShouldBe) {
    const auto base = BaseDirs::find(folder_, std::nullopt).value();
    std::filesystem::create_directories(base.state);
    ASSERT_TRUE(std::filesystem::exists(base.state));
    std::filesystem::create_symlink("/tmp", base.state + "/shop");
    EXPECT_FALSE(SitePaths(base, "shop").create());
}

TEST_F(SitePathsTest, KnowsTheSitesThatHaveRun) {
    const auto base = BaseDirs::find(folder_, std::nullopt).value();
    EXPECT_TRUE(known_sites(base).empty());
    const SitePaths paths(base, "shop");
    ASSERT_TRUE(paths.create());
    std::ofstream(paths.lock()) << "";
    EXPECT_EQ(known_sites(base), std::vector<std::string>{"shop"});
}

} // namespace
} // namespace mpsup
