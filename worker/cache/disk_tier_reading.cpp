#include "worker/cache/checksum.h"
#include "worker/cache/disk_tier.h"
#include "worker/cache/object.h"
#include "worker/cache/vary.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

std::string room_for(std::size_t size) {
    std::string text;
    text.resize_and_overwrite(size, [size](char*, std::size_t) { return size; }); // it may offer more (libstdc++ 12)
    return text;
}

} // namespace

DiskTier::Found DiskTier::find(std::uint64_t hash, std::string_view key, std::span<const http::Field> request_fields) {
    Found found;
    if (!is_open()) return found;
    std::string front;
    std::string content;
    std::shared_ptr<const std::string> waiting;
    {
        const Lock lock(mutex_);
        DiskEntry* entry = directory_.find(hash, [&](const DiskEntry& candidate) {
            if (candidate.key() != key) return false;
            found.known = true;
            return candidate.variant().empty() ||
                   variant_matches(candidate.variant(), request_fields, candidate.language());
        });
        if (!entry) return found;
        found.place = {hash, entry->position};
        found.again = entry->asked > 0;
        if (!entry->is_whole) return found;
        entry->asked = 1;
        waiting = entry->waiting;
        front = room_for(entry->front);
        content = room_for(entry->content_size);
    }
    if (waiting) {
        waiting->copy(front.data(), front.size());
        waiting->copy(content.data(), content.size(), front.size());
    } else if (file_->read(found.place.position, front, content, true) != DiskFile::Read::done) {
        if (!found.again) set_asked(found.place, 0); // nobody has got it yet
        return found;                                // whoever may wait finds out why
    }
    found.hit = hit_of(std::move(front), std::move(content), found.place);
    if (found.hit)
        ++hits_;
    else
        note_damage(std::exchange(found.place, {}));
    return found;
}

void DiskTier::set_asked(const OnDisk& place, std::uint8_t asked) {
    const Lock lock(mutex_);
    if (DiskEntry* entry = directory_.at(place.hash, place.position)) entry->asked = asked;
}

Hit DiskTier::hit_of(std::string front, std::string content, const OnDisk& place) const {
    auto record = read_disk_record(front, place.position);
    if (!record || !record->alive || record->kind != DiskRecord::Kind::response || record->front != front.size() ||
        record->content_bytes != content.size() || checksum(content) != record->content_checksum)
        return {};
    const auto head = read_record(record->head);
    if (!head || keyed_hash(key_, head->key) != place.hash) return {};
    std::unique_ptr<Content> bytes;
    if (head->content_size > 0) {
        bytes = std::make_unique<Content>();
        bytes->size = head->content_size;
        bytes->checksum = head->content_checksum;
        bytes->verified = true;
        bytes->absent = !record->parts.empty();
        bytes->copy = std::move(content);
    }
    auto* object = new Object(nullptr, *head, Run{}, bytes.release());
    object->copy = std::move(front); // longer than what lies in a string itself, so views stay good
    object->disk = std::make_unique<DiskPlace>(place.position, std::move(record->parts));
    object->hash = place.hash;
    return Hit(object);
}

Hit DiskTier::load(const OnDisk& place) {
    std::string front;
    std::string content;
    {
        Lock lock(mutex_);
        DiskEntry* entry = nullptr;
        // Parts go before their head: when that is written they are.
        idle_.wait(lock, [&] {
            entry = directory_.at(place.hash, place.position);
            return !entry || !entry->waiting || !writing_;
        });
        if (!entry || state_ != State::open) return {};
        entry->asked = 1;
        front = room_for(entry->front);
        content = room_for(entry->is_whole ? entry->content_size : 0);
    }
    Hit hit;
    if (file_->read(place.position, front, content, false) == DiskFile::Read::done)
        hit = hit_of(std::move(front), std::move(content), place);
    if (hit && hit.is_absent() && hit.size() <= most_loaded) hit = load_parts(std::move(hit));
    if (hit)
        ++hits_;
    else
        note_damage(place);
    return hit;
}

// The one who has it alone makes a whole one of it.
Hit DiskTier::load_parts(Hit hit) const {
    Content& content = *hit.object()->content;
    content.copy.reserve(hit.size());
    for (const std::uint64_t part : hit.object()->disk->parts) {
        const auto size = std::min<std::uint64_t>(DiskFile::part_bytes, hit.size() - content.copy.size());
        const auto bytes = read_part(part, static_cast<std::uint32_t>(size));
        if (!bytes) return {};
        content.copy += *bytes;
    }
    if (checksum(content.copy) != content.checksum) return {};
    content.absent = false;
    return hit;
}

std::optional<std::string> DiskTier::read_part(std::uint64_t position, std::uint32_t size) const {
    std::string front = room_for(DiskFile::header_bytes);
    std::string content = room_for(size);
    if (file_->read(position, front, content, false) != DiskFile::Read::done) return std::nullopt;
    const auto record = read_disk_record(front, position);
    if (!record || record->kind != DiskRecord::Kind::part || record->content_bytes != size ||
        checksum(content) != record->content_checksum)
        return std::nullopt;
    return content;
}

std::optional<std::string> DiskTier::read_piece(const Hit& hit, std::uint64_t offset) {
    const DiskPlace& disk = *hit.object()->disk;
    const std::uint64_t index = offset / DiskFile::part_bytes;
    if (offset >= hit.size() || index >= disk.parts.size()) return std::nullopt;
    const auto size = std::min<std::uint64_t>(DiskFile::part_bytes, hit.size() - index * DiskFile::part_bytes);
    auto bytes = read_part(disk.parts[index], static_cast<std::uint32_t>(size));
    if (!bytes)
        note_damage({hit.object()->hash, disk.position});
    else
        bytes->erase(0, offset % DiskFile::part_bytes);
    return bytes;
}

bool DiskTier::load(const OnDisk& place, std::function<void(Hit)> done) {
    return readers_.run([self = shared_from_this(), place, done = std::move(done)] { done(self->load(place)); });
}

bool DiskTier::read_piece(const Hit& hit, std::uint64_t offset, std::function<void(std::optional<std::string>)> done) {
    auto kept = std::make_shared<Hit>(hit.share());
    return readers_.run([self = shared_from_this(), kept = std::move(kept), offset, done = std::move(done)] {
        done(self->read_piece(*kept, offset));
    });
}

} // namespace mpsup::cache
