// How a response stands in the arena: a record with everything but the content.
#pragma once

#include "worker/cache/freshness.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mpsup::cache {

/// As it lies in memory; the texts follow it, in this order: key, variant, tags, fields.
struct RecordHeader {
    std::uint32_t checksum; // of all that follows, texts included
    std::uint32_t bytes;    // of the whole record
    std::uint64_t id;       // later ones are greater
    std::uint64_t content_size;
    std::uint32_t content_first; // unit + 1; 0 when there is no content
    std::uint32_t content_checksum;
    std::uint32_t key_size, variant_size, tags_size, fields_size;
    std::int64_t response_time, initial_age, lifetime, stale_while_revalidate, stale_if_error, date, last_modified;
    std::uint16_t status;
    std::uint8_t must_revalidate, always_validate, has_lifetime;
    std::uint8_t reserved[3];
};
static_assert(sizeof(RecordHeader) == 112);

/// The same as a value. Views point into the record, or to what it is to be made from.
struct Record {
    std::uint64_t id = 0;
    std::string_view key, variant, tags, fields;
    Metadata metadata;
    std::uint64_t content_size = 0;
    std::optional<std::uint32_t> content_first;
    std::uint32_t content_checksum = 0;

    /// What it takes.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return sizeof(RecordHeader) + key.size() + variant.size() + tags.size() + fields.size();
    }
};

/// Texts that are longer cannot be stored.
constexpr std::size_t max_record = 64 * 1024;

/// Is it among the tags of a response (Record::tags: a line each)?
[[nodiscard]] bool has_tag(std::string_view tags, std::string_view tag) noexcept;

/// Writes record.bytes() bytes.
void write_record(char* to, const Record& record) noexcept;

/// Reads what may be anything: nothing unless the checksum is right, everything within bounds, and the fields such that they
/// can be sent as they are.
[[nodiscard]] std::optional<Record> read_record(std::span<const char> memory) noexcept;

} // namespace mpsup::cache
