#include "worker/cache/space.h"

#include <bit>

namespace mpsup::cache {

namespace {

// Bits at which runs of `count` set bits begin.
std::uint64_t starts_of_runs(std::uint64_t bits, std::uint32_t count) noexcept {
    std::uint32_t length = 1;
    while (length < count) {
        const std::uint32_t step = std::min(length, count - length);
        bits &= bits >> step;
        length += step;
    }
    return bits;
}

std::uint32_t longest_run(std::uint64_t bits) noexcept {
    std::uint32_t length = 0;
    for (; bits != 0; ++length) bits &= bits << 1U;
    return length;
}

std::uint64_t bits_of(const Run& run) noexcept {
    const std::uint64_t bits = run.count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << run.count) - 1;
    return bits << run.first % Arena::block_units;
}

} // namespace

Space::Space(std::uint32_t units) : blocks_(units / Arena::block_units), free_(units) {
    first_of_length_.fill(nobody);
    // Backwards, so that the first blocks are used first.
    for (std::uint32_t block = static_cast<std::uint32_t>(blocks_.size()); block-- > 0;) link(block);
}

void Space::link(std::uint32_t block) noexcept {
    Block& entry = blocks_[block];
    entry.longest = longest_run(entry.free);
    std::uint32_t& first = first_of_length_[entry.longest];
    entry.previous = nobody;
    entry.next = first;
    if (first != nobody) blocks_[first].previous = block;
    first = block;
}

void Space::unlink(std::uint32_t block) noexcept {
    const Block& entry = blocks_[block];
    (entry.previous != nobody ? blocks_[entry.previous].next : first_of_length_[entry.longest]) = entry.next;
    if (entry.next != nobody) blocks_[entry.next].previous = entry.previous;
}

void Space::change(std::uint32_t block, std::uint64_t free) noexcept {
    free_ += static_cast<std::uint32_t>(std::popcount(free)) -
             static_cast<std::uint32_t>(std::popcount(blocks_[block].free));
    unlink(block);
    blocks_[block].free = free;
    link(block);
}

bool Space::claim(const Run& run) noexcept {
    const std::uint32_t block = run.first / Arena::block_units;
    const std::uint64_t bits = bits_of(run);
    if ((blocks_[block].free & bits) != bits) return false;
    change(block, blocks_[block].free & ~bits);
    return true;
}

void Space::give(const Run& run) noexcept {
    const std::uint32_t block = run.first / Arena::block_units;
    change(block, blocks_[block].free | bits_of(run));
}

Run Space::cut(std::uint32_t block, std::uint32_t count) noexcept {
    const auto start = static_cast<std::uint32_t>(std::countr_zero(starts_of_runs(blocks_[block].free, count)));
    const Run run{block * Arena::block_units + start, count};
    change(block, blocks_[block].free & ~bits_of(run));
    return run;
}

std::optional<Run> Space::take(std::uint32_t count) noexcept {
    for (std::uint32_t length = count; length <= Arena::block_units; ++length)
        if (first_of_length_[length] != nobody) return cut(first_of_length_[length], count);
    return std::nullopt;
}

std::optional<Run> Space::take_some(std::uint32_t count) noexcept {
    if (const auto run = take(count)) return run;
    for (std::uint32_t length = count; length-- > 1;)
        if (first_of_length_[length] != nobody) return cut(first_of_length_[length], length);
    return std::nullopt;
}

} // namespace mpsup::cache
