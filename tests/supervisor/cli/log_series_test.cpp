#include "supervisor/cli/log_series.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mpsup::cli {
namespace {

class LogSeriesTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-series-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(folder_ + "/" + name, std::ios::app) << text;
    }
    void move_away() const {
        for (int number = 8; number > 0; --number)
            rename(number == 1 ? "app.log" : "app.log." + std::to_string(number - 1), number);
    }
    void rename(const std::string& from, int number) const {
        std::error_code ignored;
        std::filesystem::rename(folder_ + "/" + from, folder_ + "/app.log." + std::to_string(number), ignored);
    }
    [[nodiscard]] LogSeries series() const { return {"app", folder_ + "/app.log"}; }
    static std::string rest_of(LogSeries& series) {
        std::string text;
        while (const auto line = series.next()) text += line->text + ",";
        return text;
    }

    std::string folder_;
};

TEST_F(LogSeriesTest, ReadsFilesThatWereMovedAwayFirst) {
    write("app.log.10", "a\n");
    write("app.log.2", "b\n");
    write("app.log.1", "c\nd");
    write("app.log", "e\nunfinished");
    write("app.log.new", "no\n");
    write("app.access.log", "no\n");
    auto log = series();
    log.begin({}, {});
    EXPECT_EQ(rest_of(log), "a,b,c,d,e,");
}

TEST_F(LogSeriesTest, FindsTheLastLinesAcrossFiles) {
    write("app.log.2", "a\nb\n");
    write("app.log.1", "c\n");
    write("app.log", "d\ne\n");
    for (const auto& [count, text] :
         {std::pair{0, ""}, {1, "e,"}, {2, "d,e,"}, {3, "c,d,e,"}, {4, "b,c,d,e,"}, {9, "a,b,c,d,e,"}}) {
        auto log = series();
        log.begin({}, count);
        EXPECT_EQ(rest_of(log), text) << count;
    }
}

TEST_F(LogSeriesTest, FindsTheLastLinesOfALargeFile) {
    std::string text;
    for (int i = 0; i < 40'000; ++i) text += "line " + std::to_string(i) + "\n";
    write("app.log", text);
    auto log = series();
    log.begin({}, 20'000);
    EXPECT_EQ(log.next()->text, "line 20000");
}

TEST_F(LogSeriesTest, FollowsAcrossMoves) {
    write("app.log", "a\n");
    auto log = series();
    log.begin({}, {});
    EXPECT_EQ(rest_of(log), "a,");
    write("app.log", "b\nc");
    log.look_again();
    EXPECT_EQ(rest_of(log), "b,");
    write("app.log", "c\n");
    move_away();
    write("app.log", "d\n");
    write("app.log.1", "late\n"); // of a process that was busy
    log.look_again();
    EXPECT_EQ(rest_of(log), "cc,late,d,");
    write("app.log.1", "later\n");
    write("app.log", "e\n");
    log.look_again();
    EXPECT_EQ(rest_of(log), "later,e,");
    move_away();
    write("app.log", "f\n");
    move_away();
    write("app.log", "g\n");
    log.look_again();
    EXPECT_EQ(rest_of(log), "f,g,");
}

TEST_F(LogSeriesTest, ReadsAFileThatWasCutFromItsStart) {
    write("app.log", "a long first line\n");
    auto log = series();
    log.begin({}, {});
    EXPECT_EQ(rest_of(log), "a long first line,");
    std::filesystem::resize_file(folder_ + "/app.log", 0);
    write("app.log", "b\n");
    log.look_again();
    EXPECT_EQ(rest_of(log), "b,");
}

TEST_F(LogSeriesTest, ComesToLifeWithItsFile) {
    auto log = series();
    log.begin({}, 5);
    EXPECT_EQ(rest_of(log), "");
    write("app.log", "a\n");
    log.look_again();
    EXPECT_EQ(rest_of(log), "a,");
}

} // namespace
} // namespace mpsup::cli
