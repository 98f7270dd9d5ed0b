// Reads what other processes left in the arena, or are just writing into it.
#pragma once

#include "worker/cache/index.h"
#include "worker/cache/keeper.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace mpsup::cache {

/// Where a record is said to lie.
struct Location {
    std::uint64_t hash = 0, id = 0;
    std::uint32_t unit = 0;
};

/// For the new writer: takes over all records that are what they should be. Puts them into `index`, and opens `keeper` with
/// the rest of the arena; memory that processes still alive are sending from is left to them. Returns the id of the latest.
std::uint64_t load(Arena& arena, unsigned slot, Keeper& keeper, Index& index, std::size_t max_variants);

/// For a guest: where records lie now. They are looked at again when they are used.
[[nodiscard]] std::vector<Location> survey(const Arena& arena);

/// A copy of a response that somebody else may be overwriting: null unless all of it is what was stored as `where.id`. At most
/// `limit` bytes of content. One reference, the caller's.
[[nodiscard]] Object* copy_out(const Arena& arena, const Location& where, std::uint64_t limit);

} // namespace mpsup::cache
