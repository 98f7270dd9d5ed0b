#include "supervisor/daemon/last_words.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace mpsup {
namespace {

class LastWords : public testing::Test {
protected:
    LastWords() {
        std::string pattern = std::filesystem::temp_directory_path() / "mpsup-words-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        path_ = folder_ / "worker.log";
    }
    ~LastWords() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string of(const std::string& text) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
        return last_words(path_);
    }
    std::filesystem::path folder_;
    std::string path_;
};

TEST_F(LastWords, AreTheLastTenLines) {
    EXPECT_EQ(of("one\ntwo\n"), "one\ntwo");
    EXPECT_EQ(of("one\ntwo"), "one\ntwo");
    EXPECT_EQ(of(""), "");
    EXPECT_EQ(of("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10");
    EXPECT_EQ(of("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10");
}

TEST_F(LastWords, OfALongLogAreItsEnd) {
    EXPECT_EQ(of(std::string(100'000, 'x') + "\nthe end\n").size(), 4096U - 1);
    EXPECT_TRUE(of(std::string(100'000, '\n') + "the end\n").ends_with("\nthe end"));
}

TEST_F(LastWords, AreOfWhatIsNew) {
    (void)of("old\n");
    const auto since = log_size(path_);
    EXPECT_EQ(last_words(path_, since), "");
    std::ofstream(path_, std::ios::app) << "new\n";
    EXPECT_EQ(last_words(path_, since), "new");
    (void)of("cut\n");
    EXPECT_EQ(last_words(path_, 1000), "cut") << "somebody has emptied it meanwhile";
}

TEST_F(LastWords, HoldNothingThatActsOnATerminal) {
    EXPECT_EQ(of(std::string("a\x1b[31m\0", 7)), "a?[31m?");
    EXPECT_EQ(of("gr\xc3\xbc\xc3\x9f dich"), "gr\xc3\xbc\xc3\x9f dich");
    EXPECT_EQ(of("gr\xfc\xdf dich\xe2\x82"), "gr?? dich??");
    EXPECT_EQ(of("\xed\xa0\x80 is half a character, \xc0\xaf a long way to say one"),
              "??? is half a character, ?? a long way to say one");
}

TEST_F(LastWords, OfWhatIsNoLogAreEmpty) {
    EXPECT_EQ(last_words(path_), "");
    EXPECT_EQ(last_words(folder_), "");
    ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
    EXPECT_EQ(last_words(path_), "");
}

} // namespace
} // namespace mpsup
