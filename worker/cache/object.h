// A stored response in memory, as its owners see it.
#pragma once

#include "worker/cache/arena.h"
#include "worker/cache/record.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cache {

class Keeper;

/// The bytes of a response, shared by the objects that were made when it was validated. Constant but for the counters.
struct Content {
    struct Piece {
        Run run;
        std::uint64_t offset = 0; // of its first byte in the content
    };
    std::atomic<std::uint32_t> references{1};
    std::atomic<bool> verified{false}; // the checksum is known to be right
    std::uint32_t holders = 0;         // slots of other processes that may still be sending it; guarded by the keeper
    std::uint32_t checksum = 0;
    std::uint64_t size = 0;
    const char* units = nullptr; // of the arena
    std::vector<Piece> pieces;
    std::string copy;    // a guest's, or of what lies on the disk, in place of pieces
    bool absent = false; // it lies on the disk, and is read piece by piece

    [[nodiscard]] std::string_view piece(std::uint64_t offset) const noexcept;
    void append(const Run& run);
    [[nodiscard]] bool verify() noexcept;
};

/// The language of a response, where a request may have asked for that one.
[[nodiscard]] std::string_view language_of(const Record& record) noexcept;

/// Where the disk has a response.
struct DiskPlace {
    std::uint64_t position = 0;
    std::vector<std::uint64_t> parts; // of its content, if that does not follow its head
};

/// One response. Counted references: one of the index while it can be found, one for each Hit. Whoever drops the last one
/// disposes of it through the keeper.
class Object {
public:
    Object(Keeper* keeper, const Record& of, const Run& where, Content* bytes);
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    void acquire() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() const noexcept;
    /// Is it used by anybody but the index? Asked with the lock of its shard, so that no more come.
    [[nodiscard]] bool is_pinned() const noexcept { return references_.load(std::memory_order_acquire) > 1; }

    const Record record;
    const std::string_view language; // of Content-Language, when Accept-Language selects it
    const Run run;                   // of the record; no units: a guest's copy
    Content* const content;          // null: no content
    std::string copy;                // a guest's: what the record points into
    std::uint32_t holders = 0;       // as in Content; guarded by the keeper

    std::unique_ptr<DiskPlace> disk; // of a copy out of the second tier

    // The index's, guarded by its shard.
    std::uint64_t hash = 0;
    std::uint64_t used = 0;
    Object* next = nullptr; // in its bucket
    Object *newer = nullptr, *older = nullptr;
    std::atomic<bool> indexed{false};

private:
    Keeper* const keeper_; // null: a guest's copy
    mutable std::atomic<std::uint32_t> references_{1};
};

} // namespace mpsup::cache
