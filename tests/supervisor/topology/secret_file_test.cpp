#include "supervisor/topology/secret_file.h"

#include "site_folder.h"

#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::topology {
namespace {

class SecretFile : public SiteFolder {
protected:
    std::string secret(const std::string& bytes, unsigned mode = 0600) {
        const auto path = write("secret", bytes);
        std::filesystem::permissions(path, std::filesystem::perms(mode));
        return path;
    }
    [[nodiscard]] std::string why(const std::string& path) const {
        const auto read = read_secret(path);
        if (read) return "read: " + *read;
        std::string text = read.error().why;
        const auto at = text.find(folder_.string());
        return at == std::string::npos ? text : text.erase(at, folder_.string().size() + 1);
    }
};

TEST_F(SecretFile, IsItsContentWithoutTheNewlineAtItsEnd) {
    EXPECT_EQ(why(secret("tiger\n")), "read: tiger");
    EXPECT_EQ(why(secret("tiger")), "read: tiger");
    EXPECT_EQ(why(secret("a\nb\n\n")), "read: a\nb\n") << "one of them";
    EXPECT_EQ(why(secret("")), "read: ");
    EXPECT_EQ(why(secret("\xFF\n")), "read: \xFF") << "any bytes";
}

TEST_F(SecretFile, MayBelongToAGroupButNotToOthers) {
    EXPECT_EQ(why(secret("x", 0440)), "read: x");
    for (const unsigned mode : {0604U, 0602U, 0601U, 0644U})
        EXPECT_EQ(why(secret("x", mode)), "`secret`: others may reach it") << mode;
}

TEST_F(SecretFile, IsFoundBehindALinkThatIsMountedInItsPlace) {
    std::filesystem::create_symlink(secret("x"), path("link"));
    EXPECT_EQ(why(path("link")), "read: x");
    secret("x", 0604);
    EXPECT_EQ(why(path("link")), "`link`: others may reach it") << "the mode is that of the file";
}

TEST_F(SecretFile, IsARegularFileOfSixtyFourKilobytesAtMost) {
    EXPECT_EQ(why(path("none")), "`none`: there is no such file");
    EXPECT_EQ(why(path("htdocs")), "`htdocs`: is a folder");
    ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
    EXPECT_EQ(why(path("pipe")), "`pipe`: not a regular file") << "and is not waited for";
    EXPECT_EQ(why("/dev/null"), "`/dev/null`: not a regular file");
    EXPECT_EQ(read_secret(secret(std::string(max_secret_bytes, 'x')))->size(), max_secret_bytes);
    EXPECT_EQ(why(secret(std::string(max_secret_bytes + 1, 'x'))), "`secret`: larger than 64KiB; is this a secret?");
}

TEST_F(SecretFile, HasNoNulByte) {
    EXPECT_EQ(why(secret(std::string("a\0b", 3))), "`secret`: has a NUL byte, which no variable can hold");
}

TEST_F(SecretFile, BelongsToRootOrToWhoeverAsks) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    const auto path = secret("x");
    ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);
    EXPECT_EQ(why(path), "`secret`: belongs to another user (12345)");
}

} // namespace
} // namespace mpsup::topology
