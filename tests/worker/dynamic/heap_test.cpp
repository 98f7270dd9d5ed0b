#include "worker/dynamic/heap.h"

#include <gtest/gtest.h>

#include <memory>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mpsup::dynamic {
namespace {

// Page faults of a child whose only act is one larger allocation.
long faults_of_first_allocation() {
    const pid_t pid = ::fork();
    if (pid == 0) {
        const auto piece = std::make_unique<char[]>(70'000);
        ::_exit(piece ? 0 : 1);
    }
    rusage usage{};
    int status = 0;
    ::wait4(pid, &status, 0, &usage);
    return usage.ru_minflt;
}

TEST(Heap, SettledCostsAChildNoCopiesAtItsFirstAllocation) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers bring an allocator of their own";
#endif
    std::vector<std::unique_ptr<char[]>> pieces;
    for (int i = 0; i < 200'000; ++i) pieces.push_back(std::make_unique<char[]>(200));
    for (std::size_t i = 0; i < pieces.size(); i += 2) pieces[i].reset(); // as loading an application leaves it
    settle_heap();
    EXPECT_LT(faults_of_first_allocation(), 1000) << "of the 10000 pages that the pieces lie in";
}

TEST(Heap, CollapsingChangesNoContent) {
    std::vector<unsigned char> data(16 * 1024 * 1024);
    for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<unsigned char>(i * 7);
    (void)collapse_heap();
    for (std::size_t i = 0; i < data.size(); i += 4093) ASSERT_EQ(data[i], static_cast<unsigned char>(i * 7));
}

} // namespace
} // namespace mpsup::dynamic
