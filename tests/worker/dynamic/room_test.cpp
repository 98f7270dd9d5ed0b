#include "worker/dynamic/room.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mpsup::dynamic {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t gibibyte = mebibyte << 10U;

// A machine as /proc and /sys/fs/cgroup show it.
class RoomTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = std::filesystem::temp_directory_path() / "mpsup-room-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        machine(8 * gibibyte, 4 * gibibyte);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(folder_ + path).parent_path());
        std::ofstream(folder_ + path) << text;
    }
    void machine(std::uint64_t total, std::uint64_t available) const {
        write("/proc/meminfo", "MemTotal:       " + std::to_string(total / 1024) +
                                   " kB\nMemFree:  1 kB\nMemAvailable:   " + std::to_string(available / 1024) +
                                   " kB\nHugepagesize:  2048 kB\n");
    }
    void group(const std::string& limit, const std::string& used) const {
        write("/proc/self/cgroup", "0::/site\n");
        write("/cgroup/site/memory.max", limit);
        write("/cgroup/site/memory.current", used);
    }
    std::uint64_t available() const { return available_memory(folder_ + "/proc", folder_ + "/cgroup"); }

    std::string folder_;
};

TEST_F(RoomTest, IsWhatTheMachineHasLessATenth) { EXPECT_EQ(available(), 4 * gibibyte - 8 * gibibyte / 10); }

TEST_F(RoomTest, IsNothingWhereOnlyTheReserveIsLeft) {
    machine(8 * gibibyte, gibibyte / 2);
    EXPECT_EQ(available(), 0U);
}

TEST_F(RoomTest, IsWhatTheControlGroupLeavesWhereThatIsLess) {
    group("1073741824", "1000000000");
    EXPECT_EQ(available(), 73741824U);
    group("1073741824", "2000000000");
    EXPECT_EQ(available(), 0U);
}

TEST_F(RoomTest, IsTheMachinesWhereTheControlGroupHasNoLimit) {
    const auto machines = available();
    group("max", "1000000000");
    EXPECT_EQ(available(), machines);
}

TEST_F(RoomTest, IsUnknownWithoutProc) { EXPECT_EQ(available_memory(folder_ + "/nothing", folder_ + "/nothing"), 0U); }

TEST(RoomForChildren, IsByTheAverageOfThoseThatThereAre) {
    EXPECT_EQ(room_for_children({10 * mebibyte, 30 * mebibyte}, 100 * mebibyte), 5);
    EXPECT_EQ(room_for_children({200 * mebibyte}, 100 * mebibyte), 0);
}

TEST(RoomForChildren, TakesAGuessWhileThereIsNone) { EXPECT_EQ(room_for_children({}, 160 * mebibyte), 10); }

TEST(RoomForChildren, DoesNotTakeANewbornsFewPagesForWhatAChildNeeds) {
    EXPECT_EQ(room_for_children({4096, 8192}, 20 * mebibyte), 20) << "a mebibyte at least";
    EXPECT_EQ(room_for_children({0}, 1024 * gibibyte), 1000) << "and never more than a thousand";
}

} // namespace
} // namespace mpsup::dynamic
