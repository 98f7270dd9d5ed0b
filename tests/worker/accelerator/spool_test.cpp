#include "worker/accelerator/spool.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

namespace mpsup::accelerator {
namespace {

using Append = Spool::Append;

class SpoolTest : public testing::Test {
protected:
    SpoolTest() : folder(testing::TempDir() + "spool-" + std::to_string(::getpid())) {
        std::filesystem::create_directories(folder);
    }
    ~SpoolTest() override { std::filesystem::remove_all(folder); }

    static std::string contents(Spool& spool, std::uint64_t from = 0) {
        std::string all;
        for (std::uint64_t at = from; at < spool.size();) {
            const auto piece = spool.at(at);
            if (!piece) {
                ADD_FAILURE() << piece.error().to_string();
                break;
            }
            all += *piece;
            at += piece->size();
        }
        return all;
    }
    // Text in which every place looks different.
    static std::string text(std::size_t size, std::size_t from = 0) {
        std::string made;
        for (std::size_t i = from; made.size() < size; ++i) made += std::to_string(i) + ",";
        made.resize(size);
        return made;
    }

    std::string folder;
};

TEST_F(SpoolTest, KeepsSmallContentInMemory) {
    SpoolBudget budget(1 << 20, 1 << 20);
    Spool spool(budget, 1 << 20, folder);
    EXPECT_EQ(spool.append("hello "), Append::stored);
    EXPECT_EQ(spool.append("world"), Append::stored);
    EXPECT_EQ(contents(spool), "hello world");
    EXPECT_FALSE(spool.on_disk());
    EXPECT_EQ(budget.memory(), 4096U);
    spool.clear();
    EXPECT_EQ(budget.memory(), 0U);
}

TEST_F(SpoolTest, PutsTheRestOnDiskAndLeavesNothingBehind) {
    SpoolBudget budget(1 << 20, 1 << 20);
    const std::string all = text(300'000);
    {
        Spool spool(budget, 100'000, folder);
        for (std::size_t at = 0; at < all.size(); at += 7'777)
            ASSERT_EQ(spool.append(std::string_view(all).substr(at, 7'777)), Append::stored);
        EXPECT_TRUE(spool.on_disk());
        EXPECT_TRUE(std::filesystem::is_empty(folder));
        EXPECT_LE(budget.memory(), 100'000U);
        EXPECT_EQ(budget.memory() == 0, false);
        EXPECT_EQ(contents(spool), all);
        EXPECT_EQ(contents(spool, 123'456), all.substr(123'456));
        EXPECT_EQ(contents(spool), all) << "it can be read again";
    }
    EXPECT_EQ(budget.memory(), 0U);
    EXPECT_EQ(budget.disk(), 0U);
}

TEST_F(SpoolTest, GivesBackRoomAsItIsRead) {
    SpoolBudget budget(64'000, 64ULL << 20U);
    Spool spool(budget, 64'000, folder);
    const std::string piece = text(50'000);
    std::uint64_t read = 0;
    for (int i = 0; i < 1000; ++i) { // 50 MB through 12 MiB at most
        ASSERT_EQ(spool.append(piece), Append::stored) << i;
        if (i < 100) continue;
        const auto got = spool.at(read);
        ASSERT_TRUE(got);
        ASSERT_EQ(got->front(), piece[read % piece.size()]);
        read = std::min<std::uint64_t>(spool.size() - 4'000'000, read + 60'000);
        spool.drop(read);
        ASSERT_LE(budget.disk(), 12ULL << 20U);
    }
    spool.drop(spool.size());
    EXPECT_EQ(budget.disk(), 0U);
    EXPECT_EQ(budget.memory(), 0U);
    EXPECT_FALSE(spool.on_disk());
    EXPECT_EQ(spool.append("x"), Append::stored);
    EXPECT_EQ(contents(spool, spool.begin()), "x");
}

TEST_F(SpoolTest, Fault63SaysWhetherWaitingHelps) {
    SpoolBudget budget(10'000, 0);
    Spool one(budget, 10'000, folder);
    Spool two(budget, 10'000, folder);
    EXPECT_EQ(one.append(text(8'000)), Append::stored);
    EXPECT_EQ(two.append(text(8'000)), Append::busy);
    EXPECT_EQ(two.append(text(10'001)), Append::never);
    EXPECT_EQ(one.append(text(3'000)), Append::never);
    one.clear();
    EXPECT_EQ(two.append(text(8'000)), Append::stored);
}

TEST_F(SpoolTest, Fault63SharesTheDisk) {
    SpoolBudget budget(0, 100'000);
    Spool one(budget, 1 << 20, folder);
    Spool two(budget, 1 << 20, folder);
    EXPECT_EQ(one.append(text(90'000)), Append::stored);
    EXPECT_TRUE(one.on_disk());
    EXPECT_EQ(two.append(text(20'000)), Append::busy);
    EXPECT_EQ(two.append(text(100'001)), Append::never);
    one.clear();
    EXPECT_EQ(two.append(text(20'000)), Append::stored);
}

TEST_F(SpoolTest, Fault35SurvivesAFolderThatIsGone) {
    SpoolBudget budget(0, 100'000);
    const std::string gone = folder + "/gone";
    Spool spool(budget, 0, gone);
    EXPECT_EQ(spool.append("x"), Append::failed);
    EXPECT_TRUE(spool.error().to_string().contains("gone: No such file or directory")) << spool.error().to_string();
    EXPECT_EQ(budget.disk(), 0U);
    std::filesystem::create_directories(gone);
    EXPECT_EQ(spool.append("x"), Append::stored);
    EXPECT_EQ(contents(spool), "x");
}

TEST_F(SpoolTest, Fault34SurvivesAFullDisk) {
    // A file size limit refuses writes in the same way, with another errno.
    const rlimit small{4096, 4096};
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    SpoolBudget budget(0, 100'000);
    Spool spool(budget, 0, folder);
    const rlimit limited{small.rlim_cur, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limited), 0);
    EXPECT_EQ(spool.append(text(4'000)), Append::stored);
    EXPECT_EQ(spool.append(text(4'000, 7)), Append::failed);
    EXPECT_EQ(budget.disk(), 4'000U);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    std::signal(SIGXFSZ, handler);
    EXPECT_EQ(spool.append(text(4'000, 9)), Append::stored) << "there is room again";
    EXPECT_EQ(contents(spool), text(4'000) + text(4'000, 9));
}

} // namespace
} // namespace mpsup::accelerator
