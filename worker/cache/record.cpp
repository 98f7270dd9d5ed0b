#include "worker/cache/record.h"

#include "worker/cache/checksum.h"
#include "worker/http/char_class.h"

#include <algorithm>
#include <cstring>

namespace mpsup::cache {

namespace {

// "Name: value\r\n"…
bool are_fields(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        if (end == std::string_view::npos) return false;
        const std::string_view line = text.substr(0, end);
        const std::size_t colon = line.find(": ");
        if (colon == 0 || colon == std::string_view::npos || !http::all_are(line.substr(0, colon), http::token_char))
            return false;
        if (const std::string_view value = line.substr(colon + 2);
            !value.empty() && !http::all_are(value, http::value_char))
            return false;
        text.remove_prefix(end + 2);
    }
    return true;
}

bool are_lines(std::string_view text) noexcept { return text.empty() || text.back() == '\n'; }

// Lengths of time within what the policy makes, so that no sum of them overflows.
bool is_plausible(const RecordHeader& header) noexcept {
    const auto within = [](std::int64_t value, std::int64_t from, std::int64_t to) {
        return value >= from && value <= to;
    };
    constexpr std::int64_t far = std::int64_t{1} << 40U;
    constexpr std::uint64_t last_id = std::uint64_t{1} << 56U;
    return header.id < last_id && within(header.response_time, 0, far) && within(header.initial_age, 0, far) &&
           within(header.lifetime, 0, longest) && within(header.stale_while_revalidate, 0, longest) &&
           within(header.stale_if_error, 0, longest) && within(header.date, -far, far) &&
           within(header.last_modified, -far, far) && within(header.status, 200, 599) && header.must_revalidate <= 1 &&
           header.always_validate <= 1 && header.has_lifetime <= 1;
}

Metadata metadata_of(const RecordHeader& header) noexcept {
    Metadata metadata;
    metadata.response_time = header.response_time;
    metadata.initial_age = header.initial_age;
    metadata.lifetime = header.lifetime;
    metadata.stale_while_revalidate = header.stale_while_revalidate;
    metadata.stale_if_error = header.stale_if_error;
    metadata.date = header.date;
    metadata.last_modified = header.last_modified;
    metadata.status = header.status;
    metadata.must_revalidate = header.must_revalidate != 0;
    metadata.always_validate = header.always_validate != 0;
    metadata.has_lifetime = header.has_lifetime != 0;
    return metadata;
}

std::uint32_t record_checksum(const char* record, std::size_t bytes) noexcept {
    constexpr std::size_t from = sizeof(RecordHeader::checksum);
    return checksum({record + from, bytes - from});
}

} // namespace

bool has_tag(std::string_view tags, std::string_view tag) noexcept {
    while (!tags.empty()) {
        const std::size_t end = std::min(tags.find('\n'), tags.size());
        if (tags.substr(0, end) == tag) return true;
        tags.remove_prefix(std::min(end + 1, tags.size()));
    }
    return false;
}

void write_record(char* to, const Record& record) noexcept {
    RecordHeader header{};
    header.bytes = static_cast<std::uint32_t>(record.bytes());
    header.id = record.id;
    header.content_size = record.content_size;
    header.content_first = record.content_first ? *record.content_first + 1 : 0;
    header.content_checksum = record.content_checksum;
    header.key_size = static_cast<std::uint32_t>(record.key.size());
    header.variant_size = static_cast<std::uint32_t>(record.variant.size());
    header.tags_size = static_cast<std::uint32_t>(record.tags.size());
    header.fields_size = static_cast<std::uint32_t>(record.fields.size());
    const Metadata& metadata = record.metadata;
    header.response_time = metadata.response_time;
    header.initial_age = metadata.initial_age;
    header.lifetime = metadata.lifetime;
    header.stale_while_revalidate = metadata.stale_while_revalidate;
    header.stale_if_error = metadata.stale_if_error;
    header.date = metadata.date;
    header.last_modified = metadata.last_modified;
    header.status = metadata.status;
    header.must_revalidate = metadata.must_revalidate ? 1 : 0;
    header.always_validate = metadata.always_validate ? 1 : 0;
    header.has_lifetime = metadata.has_lifetime ? 1 : 0;
    std::memcpy(to, &header, sizeof header);
    char* out = to + sizeof header;
    for (const std::string_view text : {record.key, record.variant, record.tags, record.fields})
        out += text.copy(out, text.size());
    header.checksum = record_checksum(to, header.bytes);
    std::memcpy(to, &header.checksum, sizeof header.checksum);
}

std::optional<Record> read_record(std::span<const char> memory) noexcept {
    RecordHeader header;
    if (memory.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, memory.data(), sizeof header);
    if (header.bytes < sizeof header || header.bytes > memory.size()) return std::nullopt;
    const std::uint64_t texts =
        std::uint64_t{header.key_size} + header.variant_size + header.tags_size + header.fields_size;
    if (texts != header.bytes - sizeof header) return std::nullopt;
    if (header.checksum != record_checksum(memory.data(), header.bytes)) return std::nullopt;

    Record record;
    record.id = header.id;
    const char* at = memory.data() + sizeof header;
    for (const auto& [text, size] :
         {std::pair{&record.key, header.key_size}, std::pair{&record.variant, header.variant_size},
          std::pair{&record.tags, header.tags_size}, std::pair{&record.fields, header.fields_size}}) {
        *text = {at, size};
        at += size;
    }
    if (record.key.empty() || !are_lines(record.variant) || !are_lines(record.tags) || !are_fields(record.fields) ||
        !is_plausible(header) || (header.content_size == 0) != (header.content_first == 0))
        return std::nullopt;
    record.metadata = metadata_of(header);
    record.content_size = header.content_size;
    if (header.content_first != 0) record.content_first = header.content_first - 1;
    record.content_checksum = header.content_checksum;
    return record;
}

} // namespace mpsup::cache
