#include "worker/cache/checksum.h"
#include "worker/cache/disk_tier.h"
#include "worker/cache/object.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

constexpr std::uint64_t most_ordered = std::uint64_t{16} << 20U; // bytes that wait for the disk
constexpr unsigned most_copies = 4;                              // that hold on to memory until they are written

} // namespace

// ---- the log

// How much waits is bounded, or memory would be what is out.
bool DiskTier::make_room(Lock& lock, bool may_wait) {
    if (may_wait) idle_.wait(lock, [this] { return ordered_bytes_ < most_ordered || state_ != State::open; });
    if (state_ != State::open) return false;
    if (ordered_bytes_ < most_ordered) return true;
    ++dropped_;
    return false;
}

void DiskTier::leave_segment() {
    const std::uint64_t room = DiskFile::segment_bytes - end_ % DiskFile::segment_bytes;
    if (room == DiskFile::segment_bytes) return;
    if (room >= DiskFile::header_bytes) {
        auto seal = std::make_shared<std::string>(make_disk_record(DiskRecord::Kind::end, {}, {}, {}, 0));
        place_disk_record(*seal, end_);
        ordered_bytes_ += seal->size();
        orders_.push_back({.position = end_, .hash = 0, .bytes = std::move(seal)});
    }
    end_ += room;
}

std::uint64_t DiskTier::place(std::shared_ptr<std::string> record, std::uint64_t hash) {
    if (record->size() > DiskFile::segment_bytes - end_ % DiskFile::segment_bytes) leave_segment();
    const std::uint64_t position = end_;
    place_disk_record(*record, position);
    end_ += record->size();
    if (end_ > file_->capacity()) directory_.overwrite(end_ - file_->capacity());
    ordered_bytes_ += record->size();
    orders_.push_back({.position = position, .hash = hash, .bytes = std::move(record)});
    wake_writer();
    return position;
}

void DiskTier::kill(const DiskDirectory::Positions& positions) {
    for (const std::uint64_t position : positions) orders_.push_back({.position = position});
    if (!positions.empty()) wake_writer();
}

void DiskTier::forget_all() {
    leave_segment();
    orders_.push_back({.position = end_, .forget = true});
    wake_writer();
}

void DiskTier::wake_writer() {
    if (!writing_) writing_ = writer_.run([self = shared_from_this()] { self->write_orders(); });
}

Result<> DiskTier::carry_out(const Order& order) {
    if (order.bytes) return file_->write(order.position, *order.bytes);
    if (order.unnote) return note_.remove(), Result<>{};
    unsynced_ = true;
    return order.forget ? file_->forget_before(order.position) : file_->kill(order.position);
}

// The thread of writer_.
void DiskTier::write_orders() {
    Lock lock(mutex_);
    while (!orders_.empty()) {
        const Order order = std::move(orders_.front());
        orders_.pop_front();
        lock.unlock();
        if (auto done = carry_out(order); !done) fail(done.error());
        lock.lock();
        if (order.bytes) {
            ordered_bytes_ -= std::min<std::uint64_t>(ordered_bytes_, order.bytes->size());
            if (DiskEntry* entry = directory_.at(order.hash, order.position)) entry->waiting.reset();
        }
        idle_.notify_all();
    }
    writing_ = false;
    if (state_ == State::retiring) file_->close();
    idle_.notify_all();
}

// ---- what is stored

std::optional<std::uint64_t> DiskTier::add_part(std::string_view content, bool may_wait) {
    auto record =
        std::make_shared<std::string>(make_disk_record(DiskRecord::Kind::part, {}, {}, content, checksum(content)));
    Lock lock(mutex_);
    if (!make_room(lock, may_wait)) return std::nullopt;
    return place(std::move(record), 0);
}

bool DiskTier::add_response(const Record& of, std::span<const std::uint64_t> parts, std::string_view content,
                            const Adding& how) {
    Record record = of;
    record.content_first = record.content_size > 0 ? std::optional<std::uint32_t>(0) : std::nullopt;
    if (record.bytes() > max_record) return false;
    std::string head(record.bytes(), '\0');
    write_record(head.data(), record);
    if (!read_record(head)) return false; // fields that cannot be sent
    auto bytes = std::make_shared<std::string>(make_disk_record(DiskRecord::Kind::response, head, parts, content,
                                                                content.empty() ? 0 : record.content_checksum));
    DiskEntry entry;
    entry.hash = keyed_hash(key_, record.key);
    entry.content_size = record.content_size;
    entry.stored_bytes = bytes->size() + (parts.empty() ? 0 : record.content_size);
    entry.response_time = record.metadata.response_time;
    entry.initial_age = record.metadata.initial_age;
    entry.lifetime = record.metadata.lifetime;
    entry.status = record.metadata.status;
    entry.front = static_cast<std::uint32_t>(DiskFile::header_bytes + head.size() + parts.size_bytes());
    entry.is_whole = parts.empty();
    entry.set_texts(record, language_of(record));

    Lock lock(mutex_);
    if (!make_room(lock, how.may_wait) || !how.wanted()) return false;
    if (!how.replaces && has(entry.hash, record)) return false;
    entry.waiting = bytes;
    entry.position = entry.oldest = place(std::move(bytes), entry.hash);
    for (const std::uint64_t part : parts) entry.oldest = std::min(entry.oldest, part);
    const std::uint64_t position = entry.position;
    const bool overwritten = entry.oldest + file_->capacity() < end_; // while the rest of it was written
    DiskDirectory::Positions removed;
    if (overwritten)
        removed.push_back(position);
    else
        directory_.insert(std::move(entry), options_.max_variants, removed);
    kill(removed);
    if (!overwritten) ++stored_;
    return !overwritten;
}

DiskTier::Writer::Writer(std::shared_ptr<DiskTier> tier, bool may_wait) noexcept
    : tier_(std::move(tier)), may_wait_(may_wait) {}

bool DiskTier::Writer::flush() {
    if (parts_.size() >= DiskFile::max_parts) return false;
    const auto position = tier_->add_part(buffer_, may_wait_);
    buffer_.clear();
    if (position) parts_.push_back(*position);
    return position.has_value();
}

bool DiskTier::Writer::append(std::string_view piece) {
    checksum_ = cache::checksum(piece, checksum_);
    size_ += piece.size();
    while (!piece.empty()) {
        if (buffer_.size() == DiskFile::part_bytes && !flush()) return false;
        const std::size_t part = std::min(piece.size(), DiskFile::part_bytes - buffer_.size());
        buffer_ += piece.substr(0, part);
        piece.remove_prefix(part);
    }
    return true;
}

bool DiskTier::Writer::commit(Record record, bool replaces, const Wanted& wanted) {
    record.content_size = size_;
    record.content_checksum = checksum_;
    if (!parts_.empty() && !flush()) return false;
    return tier_->add_response(record, parts_, parts_.empty() ? std::string_view(buffer_) : std::string_view(),
                               {may_wait_, replaces, wanted});
}

bool DiskTier::copy(const Hit& hit, const Adding& how) {
    const Record& record = hit.object()->record;
    if (record.content_size <= DiskFile::part_bytes && hit.piece(0).size() == record.content_size)
        return add_response(record, {}, hit.piece(0), how);
    Writer writer(shared_from_this(), how.may_wait);
    while (writer.size() < hit.size()) {
        const std::string_view piece = hit.piece(writer.size());
        if (piece.empty() || !writer.append(piece)) return false;
    }
    return writer.checksum() == record.content_checksum && writer.commit(record, how.replaces, how.wanted);
}

bool DiskTier::offer(const Hit& hit, const Wanted& wanted) {
    const Object& object = *hit.object();
    if (!is_open() || hit.size() > max_object()) return false;
    if (has(object)) return true;
    if (hit.size() <= DiskFile::part_bytes) return copy(hit, {false, false, wanted});
    {
        const Lock lock(mutex_);
        if (copies_ >= most_copies) return ++dropped_, false;
        ++copies_;
    }
    auto kept = std::make_shared<Hit>(hit.share());
    const auto done = [this, kept] {
        *kept = {}; // before anybody who waits for it ends its store
        const Lock lock(mutex_);
        --copies_;
        idle_.notify_all();
    };
    const bool runs = copier_.run([self = shared_from_this(), kept, done, wanted] {
        static_cast<void>(self->copy(*kept, {true, false, wanted}));
        done();
    });
    if (!runs) done();
    return runs;
}

bool DiskTier::save(const Hit& hit) {
    const Object& object = *hit.object();
    if (is_open() && hit.size() <= max_object() && !has(object))
        static_cast<void>(copy(hit, {true, false, [&object] { return object.indexed.load(); }}));
    return is_open();
}

bool DiskTier::freshen(const Hit& hit, const Record& record) {
    const Object& object = *hit.object();
    const Wanted wanted = [&] { return directory_.at(object.hash, object.disk->position) != nullptr; };
    return add_response(record, object.disk->parts, {}, {false, true, wanted});
}

} // namespace mpsup::cache
