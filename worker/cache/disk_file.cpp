#include "worker/cache/disk_file.h"

#include "worker/cache/checksum.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace mpsup::cache {

struct DiskFile::Header {
    static constexpr std::array<char, 8> expected{'m', 'p', 's', 'u', 'p', 'H', 'D', '\n'};
    std::array<char, 8> magic;
    std::uint32_t layout, header_bytes, record_bytes, part_bytes;
    std::uint64_t segments;
    std::uint64_t valid_from;
    std::uint64_t closed;   // 1: nobody uses it, and all of it was written
    std::uint32_t checksum; // of all before it
    std::uint32_t reserved; // makes it a multiple of eight
};

// What one segment turned out to be.
struct DiskFile::Segment {
    bool empty = false, sealed = false;
    std::optional<std::uint64_t> base; // of the log; nothing: it cannot be said
    std::uint64_t stop = 0;            // offset in it, behind the last record that is good
};

namespace {

constexpr std::uint32_t layout_version = 1;
constexpr std::uint64_t header_area = 4096;
constexpr std::uint64_t last_position = std::uint64_t{1} << 60U;

bool is_whole(const DiskRecord& record, std::span<const char> segment) noexcept {
    const auto at = record.position % DiskFile::segment_bytes + record.front;
    return checksum({&segment[at], record.content_bytes}) == record.content_checksum;
}

struct flock lock_of(short type) noexcept {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_len = 1;
    return lock;
}

} // namespace

Result<DiskFile> DiskFile::open(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_failure("make " + folder);
    std::string path = folder + "/tier";
    auto file = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return std::unexpected(std::move(file.error()));
    struct stat status{};
    if (::fstat(file->get(), &status) != 0) return system_failure("stat " + path);
    if (!S_ISREG(status.st_mode)) return failure(path + " is no file");
    return DiskFile(std::move(*file), std::move(path));
}

bool DiskFile::lock() noexcept {
    struct flock lock = lock_of(F_WRLCK);
    return ::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0;
}

void DiskFile::unlock() noexcept {
    struct flock lock = lock_of(F_UNLCK);
    ::fcntl(file_.get(), F_OFD_SETLK, &lock);
}

void DiskFile::close() noexcept {
    static_cast<void>(write_header(true)); // or it is as if it had not ended well
    unlock();
}

std::uint64_t DiskFile::offset_of(std::uint64_t position) const noexcept { return header_area + position % capacity(); }

// ---- making it

bool DiskFile::is_sound(std::uint64_t size) {
    struct stat status{};
    if (::fstat(file_.get(), &status) != 0 || static_cast<std::uint64_t>(status.st_size) != size) return false;
    Header header;
    if (::pread(file_.get(), &header, sizeof header, 0) != sizeof header) return false;
    if (header.magic != Header::expected || header.layout != layout_version || header.header_bytes != sizeof header ||
        header.record_bytes != sizeof(RecordHeader) || header.part_bytes != part_bytes ||
        header.segments != segments_ || header.valid_from % segment_bytes != 0 || header.valid_from >= last_position ||
        header.checksum != checksum({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)}))
        return false;
    valid_from_ = header.valid_from;
    was_closed_ = header.closed == 1;
    return true;
}

Result<> DiskFile::write_header(bool closed) const {
    Header header{};
    header.magic = Header::expected;
    header.layout = layout_version;
    header.header_bytes = sizeof header;
    header.record_bytes = sizeof(RecordHeader);
    header.part_bytes = part_bytes;
    header.segments = segments_;
    header.valid_from = valid_from_;
    header.closed = closed ? 1 : 0;
    header.checksum = checksum({reinterpret_cast<const char*>(&header), offsetof(Header, checksum)});
    return write_at(0, {reinterpret_cast<const char*>(&header), sizeof header});
}

Result<bool> DiskFile::prepare(std::uint64_t wanted) {
    segments_ = (std::clamp(wanted, min_bytes, max_bytes) - header_area) / segment_bytes;
    const std::uint64_t size = header_area + capacity();
    if (is_sound(size)) {
        if (auto written = write_header(false); !written) return std::unexpected(std::move(written.error()));
        return false;
    }
    valid_from_ = 0;
    if (::ftruncate(file_.get(), 0) != 0) return system_failure("empty " + path_);
    int error = 0;
    do {
        error = ::fallocate(file_.get(), 0, 0, static_cast<off_t>(size)) == 0 ? 0 : errno;
    } while (error == EINTR);
    // A file system that cannot: a disk that is full shows when it is written to.
    if (error == EOPNOTSUPP) error = ::ftruncate(file_.get(), static_cast<off_t>(size)) == 0 ? 0 : errno;
    if (error != 0) {
        if (::ftruncate(file_.get(), 0) != 0) ::unlink(path_.c_str()); // what was allocated until then
        return system_failure("allocate " + std::to_string(size) + " bytes for " + path_, error);
    }
    if (auto written = write_header(false); !written) return std::unexpected(std::move(written.error()));
    return true;
}

// ---- reading all of it

DiskFile::Segment DiskFile::walk(std::uint64_t slot, std::span<const char> bytes,
                                 const std::function<void(const DiskRecord&)>& visit) const {
    Segment segment;
    const auto first = bytes.first(header_bytes);
    segment.empty = std::ranges::all_of(first, [](char c) { return c == 0; });
    std::uint64_t base = 0;
    std::memcpy(&base, bytes.data() + 8, sizeof base);
    if (segment.empty || base >= last_position || base % segment_bytes != 0 || base / segment_bytes % segments_ != slot)
        return segment;
    std::optional<DiskRecord> last;
    for (;;) {
        segment.sealed = segment_bytes - segment.stop < header_bytes;
        const auto record =
            segment.sealed ? std::nullopt : read_disk_record(bytes.subspan(segment.stop), base + segment.stop);
        segment.sealed |= record && record->kind == DiskRecord::Kind::end;
        // The last one before what is missing may have been cut short with it.
        if (last && !segment.sealed && !record && !is_whole(*last, bytes)) {
            segment.stop -= last->bytes;
            return segment;
        }
        if (last && base >= valid_from_) visit(*last);
        if (record) segment.base = base;
        if (segment.sealed || !record) return segment;
        segment.stop += record->bytes;
        last = record;
    }
}

// So that what lies behind is never found again: it was not known, and may have been erased meanwhile.
Result<> DiskFile::close_segment(std::uint64_t slot, const Segment& segment) const {
    std::string seal(segment.base ? 0 : segment_bytes, '\0'); // nobody knows what of it could be taken for good
    if (segment.base) {
        seal = make_disk_record(DiskRecord::Kind::end, {}, {}, {}, 0);
        place_disk_record(seal, *segment.base + segment.stop);
    }
    return write_at(header_area + slot * segment_bytes + segment.stop, seal);
}

Result<DiskFile::Scanned> DiskFile::scan(const std::function<void(const DiskRecord&)>& visit) {
    const std::unique_ptr<char[]> space(new char[segment_bytes]);
    Scanned scanned;
    std::uint64_t next = valid_from_;
    std::optional<std::uint64_t> last_open; // the one that was written to when it ended
    for (std::uint64_t slot = 0; slot < segments_; ++slot) {
        const std::span<char> bytes(space.get(), segment_bytes);
        std::ranges::fill(bytes, '\1'); // nothing that could be read fails as all of it does
        for (std::size_t at = 0; at < bytes.size();) {
            const ssize_t got = ::pread(file_.get(), &bytes[at], bytes.size() - at,
                                        static_cast<off_t>(header_area + slot * segment_bytes + at));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            at += static_cast<std::size_t>(got);
        }
        const Segment segment = walk(slot, bytes, visit);
        if (segment.empty) continue;
        if (!segment.sealed) {
            if (auto closed = close_segment(slot, segment); !closed) return std::unexpected(std::move(closed.error()));
            ++scanned.damaged;
        }
        if (!segment.base || *segment.base + segment_bytes <= next) continue;
        next = *segment.base + segment_bytes;
        last_open = segment.sealed ? std::nullopt : std::optional(*segment.base);
    }
    if (last_open && !was_closed_) --scanned.damaged;
    scanned.end = next;
    return scanned;
}

// ---- parts of it

Result<> DiskFile::write_at(std::uint64_t offset, std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t done = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return system_failure("write " + path_, done < 0 ? errno : ENOSPC);
        bytes.remove_prefix(static_cast<std::size_t>(done));
        offset += static_cast<std::uint64_t>(done);
    }
    return {};
}

Result<> DiskFile::write(std::uint64_t position, std::string_view bytes) const {
    return write_at(offset_of(position), bytes);
}

Result<> DiskFile::kill(std::uint64_t position) const {
    constexpr std::string_view dead("DEAD");
    return write_at(offset_of(position), dead);
}

Result<> DiskFile::forget_before(std::uint64_t position) {
    valid_from_ = position;
    return write_header(false);
}

Result<> DiskFile::sync() const {
    if (::fdatasync(file_.get()) != 0) return system_failure("sync " + path_);
    return {};
}

void DiskFile::wreck() const noexcept {
    const std::array<char, sizeof(Header)> nothing{};
    const bool written = ::pwrite(file_.get(), nothing.data(), nothing.size(), 0) == sizeof(Header);
    if (!written && ::ftruncate(file_.get(), 0) != 0) ::unlink(path_.c_str());
}

DiskFile::Read DiskFile::read(std::uint64_t position, std::span<char> front, std::span<char> content,
                              bool now) const noexcept {
    std::uint64_t offset = offset_of(position);
    while (!front.empty() || !content.empty()) {
        const std::array<iovec, 2> space{iovec{front.data(), front.size()}, iovec{content.data(), content.size()}};
        const ssize_t got =
            ::preadv2(file_.get(), space.data(), space.size(), static_cast<off_t>(offset), now ? RWF_NOWAIT : 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && now) return Read::later; // also where the file system cannot tell
        if (got <= 0) return Read::damaged;
        const auto bytes = static_cast<std::size_t>(got);
        const std::size_t of_front = std::min(bytes, front.size());
        front = front.subspan(of_front);
        content = content.subspan(bytes - of_front);
        offset += bytes;
    }
    return Read::done;
}

} // namespace mpsup::cache
