// The file of the cache's second tier: what lies where in it, and who may write.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/cache/record.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpsup::cache {

/// A record of the log, as its head says. Views are of the bytes that it was read from.
struct DiskRecord {
    enum class Kind : std::uint32_t { response = 1, part = 2, end = 3 };
    Kind kind = Kind::response;
    bool alive = false;
    std::uint64_t position = 0;
    std::uint32_t bytes = 0; // all of it
    std::uint32_t front = 0; // what stands before the content
    std::uint32_t content_bytes = 0, content_checksum = 0;
    std::string_view head;            // as record.h has it, of a response
    std::vector<std::uint64_t> parts; // where the content lies when it does not follow
};

/// Layout 1: a page of header, and segments of 1 MiB. What is stored goes on an endless log, of which the file keeps the end: a
/// position is an offset in the log, and lies at that offset modulo the segments. Records follow each other, none crosses the end of a
/// segment, and each names its own position, so that what an earlier lap left is never taken for it. A segment that is left is
/// sealed by a record `end`. Whoever attaches goes on in a segment of its own, after it has sealed the one before.
///
/// One process uses it, the one that holds a lock on byte 0 (fcntl(2), open file description lock). Reading is plain
/// pread(2), not a mapping: a disk that fails is an error then and no signal. Reads may be made by any thread, all else
/// by one at a time.
class DiskFile {
public:
    static constexpr std::uint64_t segment_bytes = std::uint64_t{1} << 20U;
    static constexpr std::uint32_t part_bytes = 128U << 10U; // of content in one record
    static constexpr std::uint64_t min_bytes = 8 * segment_bytes;
    static constexpr std::uint64_t max_bytes = std::uint64_t{1} << 44U;
    static constexpr std::uint32_t header_bytes = 40; // of a record
    static constexpr std::size_t max_parts = 8192;

    /// Opens or makes `folder`/tier and the folder itself.
    [[nodiscard]] static Result<DiskFile> open(const std::string& folder);
    /// False: another process has it.
    [[nodiscard]] bool lock() noexcept;
    void unlock() noexcept;
    /// The same by who ends well: what is missing at the end of the log then is damage.
    void close() noexcept;

    /// With the lock: makes the file what it should be, all of it allocated on the disk, unless it is. True: it had to be made.
    [[nodiscard]] Result<bool> prepare(std::uint64_t wanted);

    struct Scanned {
        std::uint64_t end = 0;     // where to go on: the beginning of a segment
        std::uint64_t damaged = 0; // segments of which something is lost
    };
    /// Reads all heads, in the order of the file, and seals what was left open. The views are good during the call.
    [[nodiscard]] Result<Scanned> scan(const std::function<void(const DiskRecord&)>& visit);

    /// Bytes of the log that are kept.
    [[nodiscard]] std::uint64_t capacity() const noexcept { return segments_ * segment_bytes; }

    [[nodiscard]] Result<> write(std::uint64_t position, std::string_view bytes) const;
    /// It is not found any more, also by who comes later.
    [[nodiscard]] Result<> kill(std::uint64_t position) const;
    /// The same of everything before `position`, the beginning of a segment.
    [[nodiscard]] Result<> forget_before(std::uint64_t position);
    /// What was killed stays so though the machine fails.
    [[nodiscard]] Result<> sync() const;
    /// What is in the file is not to be believed any more; as far as that can still be written.
    void wreck() const noexcept;

    enum class Read { done, later, damaged };
    /// `front` and `content` in one call; sizes are those that they have. `now`: only if it is in memory (otherwise `later`).
    [[nodiscard]] Read read(std::uint64_t position, std::span<char> front, std::span<char> content,
                            bool now) const noexcept;

private:
    struct Header;
    struct Segment;
    explicit DiskFile(Fd file, std::string path) noexcept : file_(std::move(file)), path_(std::move(path)) {}
    [[nodiscard]] std::uint64_t offset_of(std::uint64_t position) const noexcept;
    [[nodiscard]] bool is_sound(std::uint64_t size);
    [[nodiscard]] Result<> write_header(bool closed) const;
    [[nodiscard]] Result<> write_at(std::uint64_t offset, std::string_view bytes) const;
    [[nodiscard]] Segment walk(std::uint64_t slot, std::span<const char> bytes,
                               const std::function<void(const DiskRecord&)>& visit) const;
    [[nodiscard]] Result<> close_segment(std::uint64_t slot, const Segment& segment) const;

    Fd file_;
    std::string path_;
    std::uint64_t segments_ = 0;
    std::uint64_t valid_from_ = 0;
    bool was_closed_ = false; // well
};

/// A file beside the tier's that says: something was erased by a process that does not have the file (yet). Whoever opens it and
/// finds one of another process knows that the file is not to be believed.
class ErasureNote {
public:
    explicit ErasureNote(const std::string& folder);
    /// Once is enough. Where there is no folder there is no file either.
    void write() noexcept;
    /// What was erased is so in the file now, too.
    void remove() noexcept;
    /// Those of others, all taken away.
    [[nodiscard]] bool take_others() const;

private:
    const std::string folder_, name_;
};

/// A record with its place left open. `head`: of a response, as write_record makes it.
[[nodiscard]] std::string make_disk_record(DiskRecord::Kind kind, std::string_view head,
                                           std::span<const std::uint64_t> parts, std::string_view content,
                                           std::uint32_t content_checksum);
/// Where it goes.
void place_disk_record(std::string& record, std::uint64_t position) noexcept;

/// Reads what may be anything: nothing unless the head is what was written at that position. `bytes` may end with the front.
[[nodiscard]] std::optional<DiskRecord> read_disk_record(std::span<const char> bytes, std::uint64_t position);

} // namespace mpsup::cache
