// Which units of the arena are free. Not thread-safe, and known to one process only.
#pragma once

#include "worker/cache/arena.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mpsup::cache {

/// A bit for each unit, a word for each block, and for each length the blocks whose longest free run has it: so the best fit
/// is found without searching.
class Space {
public:
    Space() = default;
    /// All free. `units`: whole blocks.
    explicit Space(std::uint32_t units);

    /// Takes this very run, as when what is stored already is found. False: some of it is taken.
    bool claim(const Run& run) noexcept;
    /// A run of exactly `count` units (1 to 64), from the block where it fits best.
    [[nodiscard]] std::optional<Run> take(std::uint32_t count) noexcept;
    /// The same, or when there is none the longest that there is.
    [[nodiscard]] std::optional<Run> take_some(std::uint32_t count) noexcept;
    void give(const Run& run) noexcept;

    [[nodiscard]] std::uint32_t free_units() const noexcept { return free_; }

private:
    static constexpr std::uint32_t nobody = UINT32_MAX;
    struct Block {
        std::uint64_t free = ~std::uint64_t{0};
        std::uint32_t previous = nobody, next = nobody; // of the same length
        std::uint32_t longest = 0;
    };
    void link(std::uint32_t block) noexcept;
    void unlink(std::uint32_t block) noexcept;
    void change(std::uint32_t block, std::uint64_t free) noexcept;
    [[nodiscard]] Run cut(std::uint32_t block, std::uint32_t count) noexcept;

    std::vector<Block> blocks_;
    std::array<std::uint32_t, Arena::block_units + 1> first_of_length_{};
    std::uint32_t free_ = 0;
};

} // namespace mpsup::cache
