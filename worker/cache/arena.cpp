#include "worker/cache/arena.h"

#include "worker/cache/checksum.h"
#include "worker/cache/record.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/random.h>
#include <sys/stat.h>

namespace mpsup::cache {

struct Arena::Header {
    static constexpr std::array<char, 8> expected{'m', 'p', 's', 'u', 'p', 'H', 'C', '\n'};
    std::array<char, 8> magic;
    std::uint32_t layout;
    std::uint32_t header_bytes, record_bytes, unit_bytes;
    std::uint64_t size;
    HashKey hash_key;
    std::uint32_t checksum; // of all before it
    std::uint32_t reserved;
    std::uint64_t erasures; // ever logged; both change, so they are not in the checksum
    std::uint64_t erasures_done;
};

struct Arena::Erasure {
    std::uint64_t number; // 1 + its index; written after the hash
    std::uint64_t hash;
};

namespace {

constexpr std::uint32_t layout_version = 1;
constexpr std::size_t header_area = 4096;
constexpr std::size_t log_area = 4096;
static_assert(log_area >= Arena::erasures_kept * 16);
constexpr std::size_t table_offset = header_area + log_area;
constexpr std::size_t block_bytes = std::size_t{Arena::unit_bytes} * Arena::block_units;

// As many blocks as fit with their part of the table, and the start of the units moved to a whole block.
std::uint32_t units_in(std::uint64_t size) noexcept {
    const std::uint64_t blocks =
        (size - table_offset - block_bytes) / (block_bytes + 8 * std::size_t{Arena::block_units});
    return static_cast<std::uint32_t>(blocks * Arena::block_units);
}

std::size_t data_offset(std::uint32_t units) noexcept {
    return (table_offset + std::size_t{units} * 8 + block_bytes - 1) / block_bytes * block_bytes;
}

struct flock lock_of(unsigned byte, short type) noexcept {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

template <typename Header> std::uint32_t header_checksum(const Header& header) noexcept {
    return checksum({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)});
}

} // namespace

Arena::Arena(Mapping mapping, Fd file, std::uint32_t units) noexcept
    : mapping_(std::move(mapping)), file_(std::move(file)), units_(units) {
    char* base = static_cast<char*>(mapping_.data());
    table_ = reinterpret_cast<std::uint64_t*>(base + table_offset);
    data_ = base + data_offset(units);
}

Result<Arena> Arena::map(const Fd& memory) {
    struct stat status{};
    if (::fstat(memory.get(), &status) != 0) return system_failure("stat cache memory");
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size < min_bytes || size > max_bytes || !is_sealed_memfd(memory.get(), size))
        return failure("cache memory is no sealed memory file of a size that can be");
    auto file = open_file("/proc/self/fd/" + std::to_string(memory.get()), O_RDWR);
    if (!file) return std::unexpected(std::move(file.error()));
    auto mapping = Mapping::read_write(file->get(), size);
    if (!mapping) return std::unexpected(std::move(mapping.error()));
    return Arena(std::move(*mapping), std::move(*file), units_in(size));
}

Arena::Header* Arena::header() const noexcept { return static_cast<Header*>(mapping_.data()); }

Arena::Erasure* Arena::log() const noexcept {
    return reinterpret_cast<Erasure*>(static_cast<char*>(mapping_.data()) + header_area);
}

bool Arena::is_sound() const noexcept {
    Header copy;
    std::memcpy(&copy, header(), sizeof copy);
    return copy.magic == Header::expected && copy.layout == layout_version && copy.header_bytes == sizeof(Header) &&
           copy.record_bytes == sizeof(RecordHeader) && copy.unit_bytes == unit_bytes && copy.size == mapping_.size() &&
           copy.checksum == header_checksum(copy);
}

void Arena::format() noexcept {
    char* base = static_cast<char*>(mapping_.data());
    std::memset(base, 0, table_offset + std::size_t{units_} * 8);
    Header fresh{Header::expected,
                 layout_version,
                 sizeof(Header),
                 sizeof(RecordHeader),
                 unit_bytes,
                 mapping_.size(),
                 {},
                 0,
                 0,
                 0,
                 0};
    if (::getrandom(&fresh.hash_key, sizeof fresh.hash_key, GRND_NONBLOCK) < 0) fresh.hash_key = {};
    fresh.checksum = header_checksum(fresh);
    std::memcpy(base, &fresh, sizeof fresh);
}

HashKey Arena::hash_key() const noexcept { return header()->hash_key; }

UnitMark Arena::mark(std::uint32_t unit) const noexcept {
    const std::uint64_t word = std::atomic_ref(table_[unit]).load(std::memory_order_acquire);
    const auto kind = static_cast<std::uint8_t>(word >> 40U);
    return {kind <= static_cast<std::uint8_t>(UnitKind::content) ? static_cast<UnitKind>(kind) : UnitKind::none,
            static_cast<std::uint8_t>(word >> 32U), static_cast<std::uint32_t>(word)};
}

void Arena::set_mark(std::uint32_t unit, UnitMark mark) noexcept {
    const std::uint64_t word =
        std::uint64_t{static_cast<std::uint8_t>(mark.kind)} << 40U | std::uint64_t{mark.count} << 32U | mark.link;
    std::atomic_ref(table_[unit]).store(word, std::memory_order_release);
}

bool Arena::is_run(std::uint32_t unit, const UnitMark& mark) const noexcept {
    return unit < units_ && mark.count > 0 && unit % block_units + mark.count <= block_units;
}

bool Arena::lock(unsigned byte) noexcept {
    struct flock lock = lock_of(byte, F_WRLCK);
    return ::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0;
}

bool Arena::lock_writer() noexcept { return lock(0); }

void Arena::unlock_writer() noexcept {
    struct flock lock = lock_of(0, F_UNLCK);
    ::fcntl(file_.get(), F_OFD_SETLK, &lock);
}

std::optional<unsigned> Arena::lock_slot() noexcept {
    for (unsigned slot = 0; slot < slots; ++slot)
        if (lock(1 + slot)) return slot;
    return std::nullopt;
}

std::uint32_t Arena::held_slots(std::uint32_t mask) const noexcept {
    std::uint32_t held = 0;
    for (unsigned slot = 0; slot < slots; ++slot) {
        if ((mask >> slot & 1U) == 0) continue;
        struct flock lock = lock_of(1 + slot, F_WRLCK);
        // What cannot be asked counts as held.
        if (::fcntl(file_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK) held |= 1U << slot;
    }
    return held;
}

void Arena::log_erasure(std::uint64_t hash) noexcept {
    const std::uint64_t index = std::atomic_ref(header()->erasures).fetch_add(1, std::memory_order_acq_rel);
    Erasure& entry = log()[index % erasures_kept];
    std::atomic_ref(entry.hash).store(hash, std::memory_order_relaxed);
    std::atomic_ref(entry.number).store(index + 1, std::memory_order_release);
}

std::uint64_t Arena::erasures() const noexcept {
    return std::atomic_ref(header()->erasures).load(std::memory_order_acquire);
}

std::uint64_t Arena::erasures_done() const noexcept {
    return std::atomic_ref(header()->erasures_done).load(std::memory_order_acquire);
}

void Arena::set_erasures_done(std::uint64_t count) noexcept {
    std::atomic_ref(header()->erasures_done).store(count, std::memory_order_release);
}

std::optional<std::uint64_t> Arena::erasure(std::uint64_t index) const noexcept {
    Erasure& entry = log()[index % erasures_kept];
    if (std::atomic_ref(entry.number).load(std::memory_order_acquire) != index + 1) return std::nullopt;
    const std::uint64_t hash = std::atomic_ref(entry.hash).load(std::memory_order_acquire);
    if (std::atomic_ref(entry.number).load(std::memory_order_acquire) != index + 1) return std::nullopt;
    return hash;
}

} // namespace mpsup::cache
