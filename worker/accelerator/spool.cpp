#include "worker/accelerator/spool.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace mpsup::accelerator {

namespace {

constexpr std::size_t smallest_block = 4096;
constexpr std::size_t largest_block = 65536;
constexpr std::size_t window_size = 65536;
constexpr std::uint64_t punch_step = std::uint64_t{4} << 20U;

bool take(std::atomic<std::uint64_t>& used, std::uint64_t limit, std::uint64_t bytes) noexcept {
    if (bytes > limit) return false;
    std::uint64_t now = used.load(std::memory_order_relaxed);
    do {
        if (now > limit - bytes) return false;
    } while (!used.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
    return true;
}

} // namespace

SpoolBudget::SpoolBudget(std::uint64_t memory, std::uint64_t disk, SpoolBudget* whole) noexcept
    : memory_limit_(whole ? std::min(memory, whole->memory_limit_) : memory),
      disk_limit_(whole ? std::min(disk, whole->disk_limit_) : disk),
      whole_(whole) {}

bool SpoolBudget::take_memory(std::uint64_t bytes) noexcept {
    if (!take(memory_, memory_limit_, bytes)) return false;
    if (!whole_ || whole_->take_memory(bytes)) return true;
    memory_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
}

bool SpoolBudget::take_disk(std::uint64_t bytes) noexcept {
    if (!take(disk_, disk_limit_, bytes)) return false;
    if (!whole_ || whole_->take_disk(bytes)) return true;
    disk_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
}

void SpoolBudget::give_memory(std::uint64_t bytes) noexcept {
    memory_.fetch_sub(bytes, std::memory_order_relaxed);
    if (whole_) whole_->give_memory(bytes);
}

void SpoolBudget::give_disk(std::uint64_t bytes) noexcept {
    disk_.fetch_sub(bytes, std::memory_order_relaxed);
    if (whole_) whole_->give_disk(bytes);
}

Spool::Append Spool::append(std::string_view piece) {
    if (piece.empty()) return Append::stored;
    // Once a file is there everything goes to it, so that the order stays.
    if (!file_ && append_to_memory(piece)) return Append::stored;
    return append_to_file(piece);
}

bool Spool::append_to_memory(std::string_view piece) {
    const std::size_t room = blocks_.empty() ? 0 : blocks_.back().capacity - blocks_.back().used;
    if (piece.size() > room) {
        const std::size_t wanted = piece.size() - room;
        const std::size_t usual = std::clamp<std::size_t>(memory_, smallest_block, largest_block);
        std::uint64_t capacity = std::max(wanted, usual);
        if (memory_ + capacity > memory_each_) capacity = memory_each_ > memory_ ? memory_each_ - memory_ : 0;
        if (capacity < wanted || !budget_.take_memory(capacity)) return false;
        const auto size = static_cast<std::size_t>(capacity);
        if (blocks_.empty()) blocks_begin_ = end_;
        blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size, 0});
        memory_ += capacity;
    }
    end_ += piece.size();
    for (std::size_t i = blocks_.size() - (piece.size() > room && room > 0 ? 2 : 1); !piece.empty(); ++i) {
        Block& block = blocks_[i];
        const std::size_t count = std::min(piece.size(), block.capacity - block.used);
        piece.copy(block.bytes.get() + block.used, count);
        block.used += count;
        piece.remove_prefix(count);
    }
    return true;
}

Spool::Append Spool::append_to_file(std::string_view piece) {
    const std::uint64_t alone =
        std::min(memory_each_, budget_.memory_limit()) + (folder_.empty() ? 0 : budget_.disk_limit());
    if (piece.size() > alone || end_ - begin_ > alone - piece.size()) return Append::never;
    if (folder_.empty() || !budget_.take_disk(piece.size())) return Append::busy;
    disk_ += piece.size();
    if ((!file_ && !open_file()) || !write_file(piece)) {
        disk_ -= piece.size();
        budget_.give_disk(piece.size());
        return Append::failed;
    }
    end_ += piece.size();
    return Append::stored;
}

// What a failed write leaves behind is written over by the next one.
bool Spool::write_file(std::string_view piece) {
    for (std::size_t written = 0; written < piece.size();) {
        const ssize_t count = ::pwrite(file_.get(), piece.data() + written, piece.size() - written,
                                       static_cast<off_t>(end_ - file_begin_ + written));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            error_ = system_failure("write to a file in " + folder_, count == 0 ? ENOSPC : errno).error();
            return false;
        }
        written += static_cast<std::size_t>(count);
    }
    return true;
}

bool Spool::open_file() {
    int fd = ::open(folder_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        std::string path = folder_ + "/spool-XXXXXX";
        fd = ::mkostemp(path.data(), O_CLOEXEC);
        if (fd >= 0) ::unlink(path.c_str());
    }
    if (fd < 0) {
        error_ = system_failure("make a file in " + folder_).error();
        return false;
    }
    file_.reset(fd);
    file_begin_ = end_;
    punched_ = 0;
    return true;
}

Result<std::string_view> Spool::at(std::uint64_t offset) {
    assert(offset >= begin_ && offset <= end_);
    if (offset == end_) return std::string_view{};
    std::uint64_t start = blocks_begin_;
    for (const Block& block : blocks_) {
        if (offset < start + block.used)
            return std::string_view(block.bytes.get(), block.used).substr(static_cast<std::size_t>(offset - start));
        start += block.used;
    }
    if (!window_) window_ = std::make_unique_for_overwrite<char[]>(window_size);
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(window_size, end_ - offset));
    for (;;) {
        const ssize_t count = ::pread(file_.get(), window_.get(), wanted, static_cast<off_t>(offset - file_begin_));
        if (count > 0) return std::string_view(window_.get(), static_cast<std::size_t>(count));
        if (count < 0 && errno == EINTR) continue;
        return system_failure("read a file in " + folder_, count == 0 ? EIO : errno);
    }
}

void Spool::drop(std::uint64_t offset) {
    assert(offset >= begin_ && offset <= end_);
    begin_ = offset;
    drop_blocks(offset);
    if (!file_) return;
    if (offset == end_)
        close_file(); // what comes next fits into memory again
    else if (offset > file_begin_)
        drop_file_part(offset);
}

void Spool::drop_blocks(std::uint64_t offset) noexcept {
    std::size_t count = 0;
    for (; count < blocks_.size() && blocks_begin_ + blocks_[count].used <= offset; ++count) {
        blocks_begin_ += blocks_[count].used;
        memory_ -= blocks_[count].capacity;
        budget_.give_memory(blocks_[count].capacity);
    }
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(count));
}

// Where the file system cannot make holes the room comes back when the file is read to its end.
void Spool::drop_file_part(std::uint64_t offset) noexcept {
    const std::uint64_t read = offset - file_begin_;
    if (read - punched_ < punch_step) return;
    const std::uint64_t size = (read - punched_) / punch_step * punch_step;
    if (::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(punched_),
                    static_cast<off_t>(size)) != 0)
        return;
    punched_ += size;
    disk_ -= size;
    budget_.give_disk(size);
}

void Spool::close_file() noexcept {
    file_.reset();
    budget_.give_disk(disk_);
    disk_ = punched_ = 0;
    window_.reset();
}

void Spool::clear() noexcept {
    blocks_.clear();
    if (memory_ > 0) budget_.give_memory(memory_);
    memory_ = 0;
    if (file_) close_file();
    blocks_begin_ = file_begin_ = begin_ = end_ = 0;
}

} // namespace mpsup::accelerator
