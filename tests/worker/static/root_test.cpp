#include "worker/static/root.h"

#include "tests/worker/static/folder.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace mpsup::static_files {
namespace {

using contract::Symlinks;

class Links : public testing::Test {
protected:
    Links() {
        folder.write("root/file", "inside");
        folder.write("root/sub/file", "below");
        folder.write("outside/file", "outside");
        link("file", "inside");
        link("../outside/file", "outside");
        link("../outside", "sub/folder"); // from sub/: root/outside, which is not there
        link("sub", "folder");
        link("../outside", "out");
        link("/proc/self/root/etc/passwd", "magic");
        link("loop", "loop");
        link("inside", "twice");
    }
    void link(const char* target, const std::string& name) {
        std::filesystem::create_symlink(target, folder.path("root/" + name));
    }
    std::string read(Symlinks symlinks, const char* path) {
        auto root = Root::open(folder.path("root"), symlinks);
        if (!root) return "[no root]";
        const Fd file = root->open_file(path);
        char text[16] = {};
        if (!file) return errno == ELOOP || errno == EXDEV ? "[refused]" : "[none]";
        const ssize_t size = ::read(file.get(), text, sizeof text);
        return size < 0 ? "[unreadable]" : std::string(text, static_cast<std::size_t>(size));
    }

    Folder folder;
};

TEST_F(Links, AreFollowedInside) {
    EXPECT_EQ(read(Symlinks::inside, "file"), "inside");
    EXPECT_EQ(read(Symlinks::inside, "inside"), "inside");
    EXPECT_EQ(read(Symlinks::inside, "twice"), "inside");
    EXPECT_EQ(read(Symlinks::inside, "folder/file"), "below");
    for (const char* path : {"outside", "out/file", "magic", "loop", "../outside/file"})
        EXPECT_EQ(read(Symlinks::inside, path), "[refused]") << path;
}

TEST_F(Links, AreNotFollowedAtAll) {
    EXPECT_EQ(read(Symlinks::off, "file"), "inside");
    EXPECT_EQ(read(Symlinks::off, "sub/file"), "below");
    for (const char* path : {"inside", "folder/file", "outside", "out/file", "magic", "loop"})
        EXPECT_EQ(read(Symlinks::off, path), "[refused]") << path;
}

TEST_F(Links, AreFollowedAnywhere) {
    EXPECT_EQ(read(Symlinks::anywhere, "outside"), "outside");
    EXPECT_EQ(read(Symlinks::anywhere, "out/file"), "outside");
    EXPECT_EQ(read(Symlinks::anywhere, "magic"), "[refused]") << "never through /proc";
    EXPECT_EQ(read(Symlinks::anywhere, "loop"), "[refused]");
}

TEST_F(Links, AreFollowedWhenTheirOwnerOwnsTheTarget) {
    EXPECT_EQ(read(Symlinks::owner, "file"), "inside");
    EXPECT_EQ(read(Symlinks::owner, "sub//file"), "below");
    EXPECT_EQ(read(Symlinks::owner, "inside"), "inside");
    EXPECT_EQ(read(Symlinks::owner, "folder/file"), "below");
    EXPECT_EQ(read(Symlinks::owner, "outside"), "outside") << "wherever it leads";
    EXPECT_EQ(read(Symlinks::owner, "out/file"), "outside");
    for (const char* path : {"magic", "loop", "out/../../outside/file"})
        EXPECT_EQ(read(Symlinks::owner, path), "[refused]") << path;
    EXPECT_EQ(read(Symlinks::owner, "sub/folder/file"), "[none]");
    EXPECT_EQ(read(Symlinks::owner, "twice/x"), "[none]");
    EXPECT_EQ(read(Symlinks::owner, (std::string("out/") + std::string(300, 'n')).c_str()), "[none]");
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    ASSERT_EQ(::lchown(folder.path("root/outside").c_str(), 12345, 12345), 0);
    ASSERT_EQ(::lchown(folder.path("root/out").c_str(), 12345, 12345), 0);
    EXPECT_EQ(read(Symlinks::owner, "outside"), "[refused]");
    EXPECT_EQ(read(Symlinks::owner, "out/file"), "[refused]");
    ASSERT_EQ(::chown(folder.path("outside/file").c_str(), 12345, 12345), 0);
    EXPECT_EQ(read(Symlinks::owner, "outside"), "outside");
    EXPECT_EQ(read(Symlinks::owner, "out/file"), "[refused]") << "the folder on the way is somebody else's";
}

TEST(Root, NeedsAFolder) {
    const Folder folder;
    folder.write("file", "");
    EXPECT_FALSE(Root::open(folder.path("file"), Symlinks::inside));
    EXPECT_FALSE(Root::open(folder.path("nowhere"), Symlinks::inside));
}

} // namespace
} // namespace mpsup::static_files
