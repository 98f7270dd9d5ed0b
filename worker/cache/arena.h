// The memory file of the cache: what lies where in it, and who may write.
#pragma once

#include "base/memfd.h"
#include "worker/cache/keyed_hash.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace mpsup::cache {

/// Neighbouring units of one block.
struct Run {
    std::uint32_t first = 0, count = 0;
};

enum class UnitKind : std::uint8_t {
    none,
    record,  // a response that can be found
    dead,    // one that cannot any more, but is still being sent by its holders
    content, // of a response: a run of its chain
};

/// What the table says of a run, at its first unit. Others' entries mean nothing.
struct UnitMark {
    UnitKind kind = UnitKind::none;
    std::uint8_t count = 0; // units
    std::uint32_t link =
        0; // content: the first unit of the next run + 1, or 0. Otherwise: holders, a bit for each slot
};

/// Layout 1: a page of header; the log of erasures; the table, 8 bytes a unit; the units, 1 KiB each, 64 to a block. Where
/// things are follows from the size of the file alone, never from what is written in it.
///
/// Locks, by fcntl(2) on bytes of the file (of any layout, for ever): byte 0 is the writer's; bytes 1 to 32 are slots, one for
/// each process that is or was the writer, held until it ends. An open file description of its own stands behind each Arena,
/// because that is what such locks belong to.
class Arena {
public:
    static constexpr std::uint32_t unit_bytes = 1024;
    static constexpr std::uint32_t block_units = 64;
    static constexpr unsigned slots = 32;
    static constexpr std::uint64_t erasures_kept = 256;
    static constexpr std::uint64_t min_bytes = std::uint64_t{1} << 20U;
    static constexpr std::uint64_t max_bytes = std::uint64_t{1} << 40U;

    /// Maps what make_memory made.
    [[nodiscard]] static Result<Arena> map(const Fd& memory);

    [[nodiscard]] std::uint32_t units() const noexcept { return units_; }
    [[nodiscard]] char* at(std::uint32_t unit) const noexcept { return data_ + std::size_t{unit} * unit_bytes; }

    /// Is the header what this program writes? If not, nothing in the file means anything.
    [[nodiscard]] bool is_sound() const noexcept;
    /// Makes it so, empty. For the writer alone.
    void format() noexcept;
    /// Good for a sound one: the same for all processes.
    [[nodiscard]] HashKey hash_key() const noexcept;

    [[nodiscard]] UnitMark mark(std::uint32_t unit) const noexcept;
    void set_mark(std::uint32_t unit, UnitMark mark) noexcept;
    /// Does `mark` name a run at `unit` that lies in one block?
    [[nodiscard]] bool is_run(std::uint32_t unit, const UnitMark& mark) const noexcept;

    // Locks
    [[nodiscard]] bool lock_writer() noexcept;
    void unlock_writer() noexcept;
    /// A slot that nobody has.
    [[nodiscard]] std::optional<unsigned> lock_slot() noexcept;
    /// Those of `mask` that other processes have.
    [[nodiscard]] std::uint32_t held_slots(std::uint32_t mask) const noexcept;

    // What processes that must not write want erased: hashes of keys, 0 for everything.
    void log_erasure(std::uint64_t hash) noexcept;
    [[nodiscard]] std::uint64_t erasures() const noexcept;
    /// Number `index`; nothing when it is not there (any more).
    [[nodiscard]] std::optional<std::uint64_t> erasure(std::uint64_t index) const noexcept;
    /// How many of them the writer has carried out.
    [[nodiscard]] std::uint64_t erasures_done() const noexcept;
    void set_erasures_done(std::uint64_t count) noexcept;

private:
    struct Header;
    struct Erasure;
    Arena(Mapping mapping, Fd file, std::uint32_t units) noexcept;
    [[nodiscard]] Header* header() const noexcept;
    [[nodiscard]] Erasure* log() const noexcept;
    [[nodiscard]] bool lock(unsigned byte) noexcept;

    Mapping mapping_;
    Fd file_;
    std::uint32_t units_ = 0;
    std::uint64_t* table_ = nullptr;
    char* data_ = nullptr;
};

} // namespace mpsup::cache
