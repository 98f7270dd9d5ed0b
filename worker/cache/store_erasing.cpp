// What is not to be found any more, in both tiers and by whoever writes.
#include "worker/cache/store_core.h"

#include <algorithm>
#include <string>
#include <unordered_set>

namespace mpsup::cache {

namespace {

bool every_one(const Object& /*object*/) noexcept { return true; }

} // namespace

void StoreCore::bury(const Index::Objects& objects) {
    for (Object* object : objects) {
        keeper_.bury(*object);
        object->release();
    }
}

std::size_t StoreCore::tell_the_writer(std::uint64_t hash) {
    arena_.log_erasure(hash);
    Index::Objects removed; // of a retired one; the memory is not ours any more, and is left as it is
    if (hash == 0)
        index_.erase_all(every_one, removed);
    else
        index_.erase(hash, every_one, removed);
    for (Object* object : removed) object->release();
    const std::lock_guard guest(guest_mutex_);
    const std::size_t surveyed = hash == 0 ? surveyed_.size() : surveyed_.count(hash);
    if (hash == 0)
        surveyed_.clear();
    else
        surveyed_.erase(hash);
    return removed.size() + surveyed;
}

// Of the same URL and variant.
void StoreCore::take_out(std::uint64_t hash, const Record& of, Index::Objects& removed) {
    index_.erase(
        hash, [&](const Object& object) { return object.record.key == of.key && object.record.variant == of.variant; },
        removed);
}

std::size_t StoreCore::erase(const CacheKey& key) {
    const WritingLock lock = writing();
    if (!sound_.load(std::memory_order_acquire)) return 0;
    const std::uint64_t hash = hash_of(key.text());
    if (role() != Role::writer) return tell_the_writer(hash);
    Index::Objects removed;
    const auto in_memory = [&] {
        index_.erase(hash, [&](const Object& object) { return object.record.key == key.text(); }, removed);
        return true;
    };
    std::size_t on_disk = 0; // alone
    const auto count = [&](const DiskEntry& entry) {
        on_disk += std::ranges::none_of(removed, [&](const Object* each) {
            return each->record.key == entry.key() && each->record.variant == entry.variant();
        });
    };
    if (disk_)
        disk_->erase(hash, key.text(), in_memory, count);
    else
        in_memory();
    bury(removed);
    erased_.fetch_add(removed.size() + on_disk, std::memory_order_relaxed);
    return removed.size() + on_disk;
}

bool StoreCore::erase(const Hit& hit) {
    const WritingLock lock = writing();
    if (role() != Role::writer) return false;
    if (const Object& object = *hit.object(); object.disk) {
        const Record& record = object.record;
        Index::Objects removed; // it may have moved to memory meanwhile
        disk_->supersede(object.hash, record.key, record.variant, [&] {
            take_out(object.hash, record, removed);
            return true;
        });
        bury(removed);
        return true;
    }
    if (hit.object()->run.count == 0) return false;
    auto* object = const_cast<Object*>(hit.object()); // NOLINT(cppcoreguidelines-pro-type-const-cast): the index's own
    if (!index_.erase(object)) return false;
    bury({object});
    erased_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

std::size_t StoreCore::erase_tag(std::string_view tag) {
    const WritingLock lock = writing();
    if (!sound_.load(std::memory_order_acquire)) return 0;
    if (role() != Role::writer) return tell_the_writer(0);
    Index::Objects removed;
    std::unordered_set<std::string> counted;
    const auto in_memory = [&] {
        index_.erase_all([tag](const Object& object) { return has_tag(object.record.tags, tag); }, removed);
        for (const Object* object : removed)
            counted.insert(std::string(object->record.key) + '\n' + std::string(object->record.variant));
        return true;
    };
    std::size_t on_disk = 0; // alone
    const auto count = [&](const DiskEntry& entry) {
        on_disk += counted.contains(std::string(entry.key()) + '\n' + std::string(entry.variant())) ? 0 : 1;
    };
    if (disk_)
        disk_->erase_tagged(tag, in_memory, count);
    else
        in_memory();
    bury(removed);
    erased_.fetch_add(removed.size() + on_disk, std::memory_order_relaxed);
    return removed.size() + on_disk;
}

std::size_t StoreCore::clear() {
    const WritingLock lock = writing();
    if (!sound_.load(std::memory_order_acquire)) return 0;
    if (role() != Role::writer) return tell_the_writer(0);
    Index::Objects removed;
    clear_both(removed);
    bury(removed);
    erased_.fetch_add(removed.size(), std::memory_order_relaxed);
    return removed.size();
}

void StoreCore::clear_both(Index::Objects& removed) {
    const auto in_memory = [&] {
        index_.erase_all(every_one, removed);
        return true;
    };
    if (disk_)
        disk_->clear(in_memory);
    else
        in_memory();
}

void StoreCore::carry_out_erasures() {
    if (arena_.erasures() == erasures_done_.load(std::memory_order_acquire)) return;
    const std::lock_guard erasing(erasing_);
    if (role() == Role::writer) carry_out(erasures_done_, arena_.erasures());
}

// What cannot be read any more, or not yet, may have been anything: everything goes.
void StoreCore::carry_out(std::uint64_t from, std::uint64_t to) {
    if (from == to) return;
    Index::Objects removed;
    bool all = to < from || to - from > Arena::erasures_kept;
    for (std::uint64_t index = from; !all && index < to; ++index) {
        const auto hash = arena_.erasure(index);
        all = !hash || *hash == 0;
        if (all) break;
        const auto in_memory = [&] {
            index_.erase(*hash, every_one, removed);
            return true;
        };
        if (disk_)
            disk_->erase(*hash, in_memory);
        else
            in_memory();
    }
    if (all) clear_both(removed);
    bury(removed);
    erased_.fetch_add(removed.size(), std::memory_order_relaxed);
    arena_.set_erasures_done(to);
    erasures_done_.store(to, std::memory_order_release);
}

} // namespace mpsup::cache
