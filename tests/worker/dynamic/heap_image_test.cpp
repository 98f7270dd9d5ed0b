#include "worker/dynamic/heap_image.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <malloc.h>
#include <memory>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace mpsup::dynamic {
namespace {

constexpr std::size_t piece_size = 120;
constexpr std::size_t pieces = 150'000;
constexpr std::size_t megabyte = 1024 * 1024;

// Memory as Perl has it: many small pieces of the heap, each with content of its own.
class Pieces {
public:
    Pieces() {
        for (std::size_t i = 0; i < pieces; ++i) {
            all_.push_back(std::make_unique<char[]>(piece_size));
            fill(i, content(i));
        }
    }
    static int content(std::size_t i) { return static_cast<int>(i % 251); }
    void fill(std::size_t i, int byte) { std::memset(all_[i].get(), byte, piece_size); }
    [[nodiscard]] bool has(std::size_t i, int byte) const {
        return std::all_of(all_[i].get(), all_[i].get() + piece_size,
                           [byte](char c) { return c == static_cast<char>(byte); });
    }
    [[nodiscard]] bool whole() const {
        for (std::size_t i = 0; i < pieces; ++i)
            if (!has(i, content(i))) return false;
        return true;
    }
    // As counting a reference up and down again does.
    void touch() {
        for (std::size_t i = 0; i < pieces; ++i) {
            fill(i, content(i) + 1);
            fill(i, content(i));
        }
    }
    void drop() { all_.clear(); }

private:
    std::vector<std::unique_ptr<char[]>> all_;
};

// What moves the heap of a process is tried in one that is thrown away. 0: all was as it should be; else the first step
// that was not.
int outcome_of(const std::function<int()>& act) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(act());
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class HeapImageTest : public testing::Test {
protected:
    void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
        GTEST_SKIP() << "sanitizers bring an allocator of their own";
#endif
    }
};

TEST_F(HeapImageTest, MovesTheHeapWithoutChangingIt) {
    EXPECT_EQ(outcome_of([] {
                  const Pieces data;
                  const auto image = HeapImage::take();
                  if (!image || image->size() < pieces * piece_size) return 1;
                  if (!data.whole()) return 2;
                  const Pieces more; // malloc goes on as before
                  return more.whole() && data.whole() ? 0 : 3;
              }),
              0);
}

TEST_F(HeapImageTest, GivesBackWhatIsAsItWas) {
    EXPECT_EQ(outcome_of([] {
                  Pieces data;
                  const auto image = HeapImage::take();
                  if (!image) return 1;
                  return outcome_of([&] {
                      data.touch();
                      const auto first = image->give_back();
                      if (first.own < 15 * megabyte || first.given < first.own - megabyte) return 2;
                      const auto second = image->give_back();
                      if (second.own > megabyte) return 3;
                      return data.whole() ? 0 : 4;
                  });
              }),
              0);
}

TEST_F(HeapImageTest, KeepsWhatWasWritten) {
    EXPECT_EQ(outcome_of([] {
                  Pieces data;
                  const auto image = HeapImage::take();
                  if (!image) return 1;
                  const int child = outcome_of([&] {
                      for (std::size_t i = 0; i < pieces; i += 1000) data.fill(i, 255);
                      data.touch();
                      for (std::size_t i = 0; i < pieces; i += 1000) data.fill(i, 255);
                      if (image->give_back().given == 0) return 2;
                      for (std::size_t i = 0; i < pieces; ++i)
                          if (!data.has(i, i % 1000 == 0 ? 255 : Pieces::content(i))) return 3;
                      return 0;
                  });
                  return child != 0 ? child : data.whole() ? 0 : 4; // and its master sees nothing of it
              }),
              0);
}

// What was unmapped and mapped anew is other memory, even if it looks like the image.
TEST_F(HeapImageTest, LeavesMemoryAloneThatIsNotOfTheImageAnyMore) {
    EXPECT_EQ(outcome_of([] {
                  auto data = std::make_unique<Pieces>();
                  const auto image = HeapImage::take();
                  if (!image) return 1;
                  data->drop();
                  ::malloc_trim(0);
                  Pieces same; // the same content, most of it at the same places
                  (void)image->give_back();
                  return same.whole() ? 0 : 2;
              }),
              0);
}

TEST_F(HeapImageTest, CanBeTakenAgain) {
    EXPECT_EQ(outcome_of([] {
                  Pieces data;
                  const auto first = HeapImage::take();
                  if (!first) return 1;
                  data.fill(7, 200);
                  const auto second = HeapImage::take(); // as a child does that becomes a master
                  if (!second || second->size() + megabyte < first->size()) return 2;
                  return outcome_of([&] {
                      data.touch();
                      data.fill(7, 200);
                      if (second->give_back().given < 15 * megabyte) return 3;
                      return data.has(7, 200) && data.has(8, Pieces::content(8)) ? 0 : 4;
                  });
              }),
              0);
}

TEST_F(HeapImageTest, LeavesASmallHeapWhereItIs) {
    EXPECT_EQ(outcome_of([] {
                  ::malloc_trim(0);
                  return HeapImage::take() ? 1 : 0;
              }),
              0);
}

TEST_F(HeapImageTest, LeavesAllAsItIsWhereFilesMayNotGrow) {
    EXPECT_EQ(outcome_of([] {
                  const Pieces data;
                  const rlimit small{megabyte, megabyte};
                  ::setrlimit(RLIMIT_FSIZE, &small);
                  if (HeapImage::take()) return 1;
                  return data.whole() ? 0 : 2;
              }),
              0);
}

} // namespace
} // namespace mpsup::dynamic
