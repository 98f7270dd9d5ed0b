#include "base/recycled.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace mpsup {
namespace {

struct Large : Recycled<Large, 2> {
    std::array<char, 2000> bytes{};
};

TEST(Recycled, TakesWhatTheLastOneLeft) {
    const void* first = nullptr;
    {
        const auto one = std::make_unique<Large>();
        first = one.get();
    }
    const auto two = std::make_unique<Large>();
    EXPECT_EQ(two.get(), first);
    const auto three = std::make_unique<Large>();
    EXPECT_NE(three.get(), first);
}

TEST(Recycled, KeepsNoMoreThanItSays) {
    std::vector<std::unique_ptr<Large>> many;
    for (int i = 0; i < 5; ++i) many.push_back(std::make_unique<Large>());
    many.clear(); // three of them go back to the heap
    std::set<const void*> again;
    for (int i = 0; i < 5; ++i) again.insert(many.emplace_back(std::make_unique<Large>()).get());
    EXPECT_EQ(again.size(), 5U);
}

TEST(Recycled, LeavesNothingBehindAtTheEndOfAThread) { // the address sanitizer would tell
    std::thread([] {
        static thread_local std::unique_ptr<Large> last; // made first, so destroyed after what is kept
        last.reset();
        last = std::make_unique<Large>();
        std::make_unique<Large>().reset();
    }).join();
}

} // namespace
} // namespace mpsup
