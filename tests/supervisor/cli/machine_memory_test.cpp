#include "supervisor/cli/machine_memory.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace mpsup::cli {
namespace {

TEST(MachineMemory, IsThatOfTheMachineOrOfTheContainer) {
    std::string folder = std::filesystem::temp_directory_path() / "mpsup-memory-XXXXXX";
    ASSERT_TRUE(::mkdtemp(folder.data()));
    const auto machine = machine_memory(folder);
    EXPECT_GT(machine, 64U << 20U);
    std::ofstream(folder + "/memory.max") << "max\n";
    EXPECT_EQ(machine_memory(folder), machine);
    std::ofstream(folder + "/memory.max") << "1048576\n";
    EXPECT_EQ(machine_memory(folder), 1U << 20U);
    std::ofstream(folder + "/memory.max") << "9223372036854771712\n";
    EXPECT_EQ(machine_memory(folder), machine);
    std::filesystem::remove_all(folder);
}

} // namespace
} // namespace mpsup::cli
