// What is on the disk, as the process that uses it knows.
#pragma once

#include "worker/cache/disk_file.h"
#include "worker/cache/freshness.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mpsup::cache {

/// One response: enough to find it, to choose among variants and to be rid of it without the disk.
struct DiskEntry {
    std::uint64_t hash = 0;
    std::uint64_t position = 0; // of its head in the log
    std::uint64_t oldest = 0;   // of all that belongs to it: what is before that is gone when this is overwritten
    std::uint64_t content_size = 0;
    std::uint64_t stored_bytes = 0; // on the disk
    Seconds response_time = 0, initial_age = 0, lifetime = 0;
    std::uint32_t front = 0; // bytes of the record before its content
    std::uint16_t status = 200;
    bool is_whole = true; // its content follows its head
    std::uint8_t asked = 0;
    std::string texts; // key, variant, tags, language
    std::uint32_t key_size = 0, variant_size = 0, tags_size = 0;
    std::shared_ptr<const std::string> waiting; // the record, as long as it is not written

    void set_texts(const Record& record, std::string_view language);
    [[nodiscard]] std::string_view key() const noexcept { return std::string_view(texts).substr(0, key_size); }
    [[nodiscard]] std::string_view variant() const noexcept {
        return std::string_view(texts).substr(key_size, variant_size);
    }
    [[nodiscard]] std::string_view tags() const noexcept {
        return std::string_view(texts).substr(std::size_t{key_size} + variant_size, tags_size);
    }
    [[nodiscard]] std::string_view language() const noexcept {
        return std::string_view(texts).substr(std::size_t{key_size} + variant_size + tags_size);
    }
};

/// Not thread-safe. Some 350 bytes a response, and its texts.
class DiskDirectory {
public:
    using Matches = std::function<bool(const DiskEntry&)>;
    using Positions = std::vector<std::uint64_t>; // of what left it, and is to be killed on the disk

    /// In place of the one of the same key and variant, unless that is later; beyond `max_variants` of a key the oldest goes.
    void insert(DiskEntry entry, std::size_t max_variants, Positions& removed);
    /// Whatever lies, even in part, before `tail` is overwritten: it needs no killing.
    std::size_t overwrite(std::uint64_t tail);
    std::size_t erase(std::uint64_t hash, const Matches& matches, Positions& removed);
    std::size_t erase_if(const Matches& matches, Positions& removed);
    void clear() noexcept;

    /// Of those that match, the latest; null: none. Good until something changes.
    [[nodiscard]] DiskEntry* find(std::uint64_t hash, const Matches& matches);
    [[nodiscard]] DiskEntry* at(std::uint64_t hash, std::uint64_t position);
    /// Calls `visit` for at most `most`, in the order of the log, from `cursor` on; moves it. 0 again: that was all.
    void visit(std::uint64_t& cursor, std::size_t most, const std::function<bool(const DiskEntry&)>& visit) const;

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::uint64_t stored_bytes() const noexcept { return stored_bytes_; }

private:
    using Entries = std::map<std::uint64_t, DiskEntry>; // by what is overwritten first
    void take_out(Entries::iterator entry);

    Entries entries_;
    std::unordered_multimap<std::uint64_t, Entries::iterator> by_hash_;
    std::uint64_t stored_bytes_ = 0;
};

} // namespace mpsup::cache
