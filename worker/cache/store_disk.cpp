// What the store does with its second tier.
#include "worker/cache/store_core.h"

#include <algorithm>
#include <cstring>

namespace mpsup::cache {

namespace {

constexpr std::size_t most_listed_over = 16384; // entries looked at by one call of list()
constexpr std::uint64_t disk_cursor = std::uint64_t{1} << 63U;
constexpr Seconds shortest_life = 10; // what lives no longer is not worth a write
constexpr Seconds settled = 30;       // what has been in memory for so long is written though memory has room
constexpr std::size_t saved_at_once = 64;
constexpr std::size_t looked_at = 16384; // by one call of save_some

Seconds life_of(const Metadata& metadata) noexcept {
    return metadata.lifetime - metadata.initial_age +
           std::max(metadata.stale_while_revalidate, metadata.stale_if_error);
}

} // namespace

void StoreCore::open_disk() {
    if (disk_ && role() == Role::writer && disk_->is_closed()) disk_->try_to_open(hash_key_);
}

void StoreCore::save_some(Seconds now) {
    if (!disk_ || !disk_->is_open()) return;
    for (std::size_t seen = 0; seen < looked_at && role() == Role::writer;) {
        std::vector<Hit> hits;
        index_.visit(saved_, looked_at - seen, [&](const Object& object) {
            ++seen;
            const Metadata& metadata = object.record.metadata;
            const Seconds kept = now - metadata.response_time;
            if (kept < settled || life_of(metadata) - kept < settled) return true;
            object.acquire();
            hits.emplace_back(&object);
            return hits.size() < saved_at_once;
        });
        if (!std::ranges::all_of(hits, [&](const Hit& hit) { return disk_->save(hit); }) || saved_ == 0) return;
    }
}

// ---- from the disk to memory

void StoreCore::look_on_disk(std::uint64_t hash, std::string_view key, Fields request_fields, Found& found) {
    DiskTier::Found there = disk_->find(hash, key, request_fields);
    found.known |= there.known;
    found.again = there.again;
    found.hit = std::move(there.hit);
    if (!found.hit)
        found.on_disk = there.place;
    else if (there.again)
        promote(found.hit);
}

void StoreCore::promote(Hit& hit) {
    const Object& from = *hit.object();
    if (!from.disk || hit.is_absent() || hit.size() > std::min<std::uint64_t>(max_object_, DiskFile::part_bytes))
        return;
    const WritingLock lock = writing();
    if (role() != Role::writer) return;
    if (Object* object = bring_in(from, from.record, false)) hit = Hit(object);
}

Content* StoreCore::copy_in(std::string_view bytes, std::uint32_t checksum) {
    auto content = std::make_unique<Content>();
    while (content->size < bytes.size()) {
        const std::uint64_t left = bytes.size() - content->size;
        const std::uint64_t units = (left + Arena::unit_bytes - 1) / Arena::unit_bytes;
        const auto run = take(static_cast<std::uint32_t>(std::min<std::uint64_t>(units, Arena::block_units)), false);
        if (!run) {
            for (const Content::Piece& piece : content->pieces) keeper_.give(piece.run);
            return nullptr;
        }
        content->append(*run);
        const std::uint64_t part = std::min(left, std::uint64_t{run->count} * Arena::unit_bytes);
        std::memcpy(arena_.at(run->first), bytes.data() + content->size, part);
        content->size += part;
    }
    content->checksum = checksum;
    content->units = arena_.at(0);
    content->verified = true;
    keeper_.link(*content);
    return content.release();
}

Object* StoreCore::bring_in(const Object& from, const Record& record, bool replaces) {
    const std::uint64_t mark = index_.mark();
    Content* content = nullptr;
    if (from.content && !(content = copy_in(from.content->copy, record.content_checksum))) return nullptr;
    Object* object = write_object(record, content);
    if (!object) return nullptr;
    Index::Objects removed;
    const bool inserted = disk_->while_there({from.hash, from.disk->position}, !replaces, [&] {
        return index_.insert(object, options_.max_variants, mark, [&] { keeper_.publish(*object); }, removed, replaces);
    });
    bury(removed);
    if (!inserted) {
        object->release();
        object->release();
        return nullptr;
    }
    return object;
}

bool StoreCore::freshen_on_disk(Hit& hit, const Record& record) {
    const Object& old = *hit.object();
    if (hit.is_absent() || hit.size() > max_object_) return !old.disk->parts.empty() && disk_->freshen(hit, record);
    Object* fresh = bring_in(old, record, true);
    if (fresh) hit = Hit(fresh);
    return fresh != nullptr;
}

// ---- from memory to the disk

// `mark`: of the index, from before it was taken out of it. What is not on its way to the disk counts as erased, so that an
// earlier one that still is will not be taken for the latest.
void StoreCore::evict(Object* object, std::uint64_t mark) {
    if (disk_) {
        object->acquire();
        const Hit hit(object);
        const auto wanted = [this, object, mark] {
            const Record& record = object->record;
            return !index_.erased_since(object->hash, mark) && !index_.has(object->hash, record.key, record.variant);
        };
        const bool worth = life_of(object->record.metadata) >= shortest_life;
        if (!worth || !disk_->offer(hit, wanted)) index_.note_erasure(object->hash);
    }
    bury({object});
}

std::optional<DiskTier::Writer> StoreCore::write_to_disk() const {
    if (!disk_ || !disk_->is_open()) return std::nullopt;
    return DiskTier::Writer(disk_, false);
}

bool StoreCore::insert_on_disk(const Record& record, DiskTier::Writer& writer, std::uint64_t mark) {
    const std::uint64_t hash = hash_of(record.key);
    if (!writer.commit(record, true, [&] { return !index_.erased_since(hash, mark); })) return false;
    Index::Objects removed; // what memory has of it is older
    take_out(hash, record, removed);
    bury(removed);
    stored_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

// ---- looking

void StoreCore::list_disk(std::uint64_t& cursor, std::size_t limit, std::string_view prefix, Seconds now,
                          std::vector<StoredRow>& rows) {
    std::uint64_t at = cursor & ~disk_cursor;
    disk_->visit(at, most_listed_over, [&](const DiskEntry& entry) {
        if (!entry.key().starts_with(prefix) || index_.has(entry.hash, entry.key(), entry.variant())) return true;
        Metadata metadata;
        metadata.response_time = entry.response_time;
        metadata.initial_age = entry.initial_age;
        metadata.lifetime = entry.lifetime;
        rows.push_back({std::string(entry.key()), std::string(entry.variant()), std::string(entry.tags()), entry.status,
                        entry.content_size, metadata.age(now), metadata.ttl(now), true});
        return rows.size() < limit;
    });
    cursor = at == 0 ? 0 : at | disk_cursor;
}

} // namespace mpsup::cache
