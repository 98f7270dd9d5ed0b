// Content that waits for somebody slower: in memory first, then in a file without a name.
#pragma once

#include "base/fd.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::accelerator {

/// What several spools may hold together, in bytes. Shared by threads.
class SpoolBudget {
public:
    /// `whole`: of which this is a share, and which is asked too; it outlives this.
    SpoolBudget(std::uint64_t memory, std::uint64_t disk, SpoolBudget* whole = nullptr) noexcept;

    [[nodiscard]] bool take_memory(std::uint64_t bytes) noexcept;
    [[nodiscard]] bool take_disk(std::uint64_t bytes) noexcept;
    void give_memory(std::uint64_t bytes) noexcept;
    void give_disk(std::uint64_t bytes) noexcept;

    [[nodiscard]] std::uint64_t memory() const noexcept { return memory_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t disk() const noexcept { return disk_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t memory_limit() const noexcept { return memory_limit_; }
    [[nodiscard]] std::uint64_t disk_limit() const noexcept { return disk_limit_; }

private:
    const std::uint64_t memory_limit_;
    const std::uint64_t disk_limit_;
    SpoolBudget* const whole_;
    std::atomic<std::uint64_t> memory_{0};
    std::atomic<std::uint64_t> disk_{0};
};

/// A sequence of bytes with a begin that may be dropped and an end that grows. Memory is used up to `memory_each` and what
/// the budget allows, then a file in `folder` that has no name (O_TMPFILE, else unlinked at once), so nothing is left
/// behind by whatever end. Files are written through the page cache: the loop does not wait for the disk, unless the
/// kernel throttles writers. Used from one thread; the budget outlives it.
class Spool {
public:
    enum class Append {
        stored,
        busy,   // does not fit now, because of what others hold: wait, or 503
        never,  // would not fit if this were the only one: 413
        failed, // the disk refuses (full, read-only, gone): 507; error() says how
    };

    /// `folder` must outlive it; empty: no file is ever made.
    Spool(SpoolBudget& budget, std::uint64_t memory_each, const std::string& folder) noexcept
        : budget_(budget), memory_each_(memory_each), folder_(folder) {}
    ~Spool() { clear(); }
    Spool(const Spool&) = delete;
    Spool& operator=(const Spool&) = delete;

    /// All of `piece` or nothing.
    [[nodiscard]] Append append(std::string_view piece);

    /// Bytes appended in all; the end of what can be read.
    [[nodiscard]] std::uint64_t size() const noexcept { return end_; }
    /// The first byte that is still here.
    [[nodiscard]] std::uint64_t begin() const noexcept { return begin_; }

    /// What lies at `offset` (begin() to size()), as much as is in one place, good until the next call but append().
    /// Empty at the end. An error when the file cannot be read.
    [[nodiscard]] Result<std::string_view> at(std::uint64_t offset);

    /// Bytes before `offset` are not wanted any more: their room is given back.
    void drop(std::uint64_t offset);
    /// Empty again, at offset 0.
    void clear() noexcept;

    [[nodiscard]] bool on_disk() const noexcept { return static_cast<bool>(file_); }
    [[nodiscard]] const Error& error() const noexcept { return error_; }

private:
    struct Block {
        std::unique_ptr<char[]> bytes;
        std::size_t capacity = 0;
        std::size_t used = 0;
    };

    [[nodiscard]] bool append_to_memory(std::string_view piece);
    [[nodiscard]] Append append_to_file(std::string_view piece);
    [[nodiscard]] bool open_file();
    [[nodiscard]] bool write_file(std::string_view piece);
    void drop_blocks(std::uint64_t offset) noexcept;
    void drop_file_part(std::uint64_t offset) noexcept;
    void close_file() noexcept;

    SpoolBudget& budget_;
    const std::uint64_t memory_each_;
    const std::string& folder_;
    std::vector<Block> blocks_;      // [begin of the first block, …) of the sequence
    std::uint64_t blocks_begin_ = 0; // offset of the first byte of the first block
    std::uint64_t memory_ = 0;       // capacity of all blocks
    Fd file_;                        // what came after the blocks
    std::uint64_t file_begin_ = 0;   // offset of the file's first byte
    std::uint64_t punched_ = 0;      // bytes at the start of the file whose room was given back
    std::uint64_t disk_ = 0;         // taken from the budget
    std::uint64_t begin_ = 0;
    std::uint64_t end_ = 0;
    std::unique_ptr<char[]> window_; // of the file, being read
    Error error_;
};

} // namespace mpsup::accelerator
