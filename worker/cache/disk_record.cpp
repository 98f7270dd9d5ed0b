#include "worker/cache/checksum.h"
#include "worker/cache/disk_file.h"

#include <cstring>

namespace mpsup::cache {

namespace {

constexpr std::uint32_t alive = 0x4556494c; // "LIVE"

struct Header {
    std::uint32_t state;    // alive, or anything else
    std::uint32_t checksum; // of all that follows the position, up to the content, and of the position
    std::uint64_t position;
    std::uint32_t kind, bytes, head_bytes, parts, content_bytes, content_checksum;
};
static_assert(sizeof(Header) == DiskFile::header_bytes);
constexpr std::size_t checked_from = offsetof(Header, kind);

std::uint32_t checksum_of(const char* record, std::size_t front, std::uint64_t position) noexcept {
    const std::uint32_t rest = checksum({record + checked_from, front - checked_from});
    return checksum({reinterpret_cast<const char*>(&position), sizeof position}, rest);
}

} // namespace

std::string make_disk_record(DiskRecord::Kind kind, std::string_view head, std::span<const std::uint64_t> parts,
                             std::string_view content, std::uint32_t content_checksum) {
    constexpr std::size_t alignment = 8;
    Header header{};
    header.state = alive;
    header.kind = static_cast<std::uint32_t>(kind);
    header.head_bytes = static_cast<std::uint32_t>(head.size());
    header.parts = static_cast<std::uint32_t>(parts.size());
    header.content_bytes = static_cast<std::uint32_t>(content.size());
    header.content_checksum = content_checksum;
    const std::size_t used = sizeof header + head.size() + parts.size_bytes() + content.size();
    header.bytes = static_cast<std::uint32_t>((used + alignment - 1) / alignment * alignment);
    std::string record;
    record.reserve(header.bytes);
    record.append(reinterpret_cast<const char*>(&header), sizeof header);
    record += head;
    record.append(reinterpret_cast<const char*>(parts.data()), parts.size_bytes());
    record += content;
    record.resize(header.bytes);
    return record;
}

void place_disk_record(std::string& record, std::uint64_t position) noexcept {
    Header header;
    std::memcpy(&header, record.data(), sizeof header);
    header.position = position;
    header.checksum =
        checksum_of(record.data(), sizeof header + header.head_bytes + std::size_t{header.parts} * 8, position);
    std::memcpy(record.data(), &header, sizeof header);
}

std::optional<DiskRecord> read_disk_record(std::span<const char> bytes, std::uint64_t position) {
    Header header;
    if (bytes.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    const std::uint64_t front = sizeof header + std::uint64_t{header.head_bytes} + std::uint64_t{header.parts} * 8;
    const std::uint64_t used = front + header.content_bytes;
    if (header.position != position || header.parts > DiskFile::max_parts || front > bytes.size() ||
        used > header.bytes || header.bytes - used >= 8 || header.bytes % 8 != 0 ||
        header.bytes > DiskFile::segment_bytes - position % DiskFile::segment_bytes || header.kind < 1 ||
        header.kind > 3)
        return std::nullopt;
    if (header.checksum != checksum_of(bytes.data(), front, position)) return std::nullopt;
    DiskRecord record;
    record.kind = static_cast<DiskRecord::Kind>(header.kind);
    record.alive = header.state == alive;
    record.position = position;
    record.bytes = header.bytes;
    record.front = static_cast<std::uint32_t>(front);
    record.content_bytes = header.content_bytes;
    record.content_checksum = header.content_checksum;
    record.head = {bytes.data() + sizeof header, header.head_bytes};
    record.parts.resize(header.parts);
    if (header.parts > 0)
        std::memcpy(record.parts.data(), record.head.data() + record.head.size(), std::size_t{header.parts} * 8);
    return record;
}

} // namespace mpsup::cache
