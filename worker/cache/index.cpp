#include "worker/cache/index.h"

#include <algorithm>
#include <limits>

namespace mpsup::cache {

namespace {
constexpr std::size_t first_buckets = 64;
}

Index::Index() {
    for (Shard& shard : shards_) shard.buckets.resize(first_buckets);
}

Index::~Index() {
    for (Shard& shard : shards_)
        for (Object* object : shard.buckets)
            while (object) std::exchange(object, object->next)->release();
}

void Index::push_newest(Shard& shard, Object* object) noexcept {
    object->older = shard.newest;
    object->newer = nullptr;
    (shard.newest ? shard.newest->newer : shard.oldest) = object;
    shard.newest = object;
}

void Index::take_from_order(Shard& shard, Object* object) noexcept {
    (object->newer ? object->newer->older : shard.newest) = object->older;
    (object->older ? object->older->newer : shard.oldest) = object->newer;
}

// While nothing is inserted nothing will be evicted, and the order need not change.
void Index::touch(Shard& shard, Object* object) noexcept {
    const std::uint64_t now = uses_.load(std::memory_order_relaxed);
    if (object->used == now) return;
    object->used = now;
    if (shard.newest != object) {
        take_from_order(shard, object);
        push_newest(shard, object);
    }
    shard.oldest_use.store(shard.oldest->used, std::memory_order_relaxed);
}

void Index::take_out(Shard& shard, Object* object) noexcept {
    Object** link = bucket(shard, object->hash);
    while (*link != object) link = &(*link)->next;
    *link = object->next;
    take_from_order(shard, object);
    object->indexed = false;
    --shard.count;
    size_.fetch_sub(1, std::memory_order_relaxed);
    shard.oldest_use.store(shard.oldest ? shard.oldest->used : std::numeric_limits<std::uint64_t>::max(),
                           std::memory_order_relaxed);
}

void Index::grow(Shard& shard) {
    std::vector<Object*> before(shard.buckets.size() * 2);
    before.swap(shard.buckets);
    for (Object* object : before) {
        while (object) {
            Object* next = object->next;
            Object** link = bucket(shard, object->hash);
            object->next = *link;
            *link = object;
            object = next;
        }
    }
}

void Index::note_erasure(Shard& shard, std::uint64_t hash) noexcept {
    Erasure& entry = shard.erasures[shard.next_erasure++ % shard.erasures.size()];
    shard.forgotten = std::max(shard.forgotten, entry.number);
    entry = {erasures_.fetch_add(1, std::memory_order_acq_rel) + 1, hash};
}

bool Index::erased_since(const Shard& shard, std::uint64_t hash, std::uint64_t mark) noexcept {
    if (shard.forgotten > mark) return true; // maybe
    return std::ranges::any_of(shard.erasures,
                               [&](const Erasure& entry) { return entry.number > mark && entry.hash == hash; });
}

void Index::make_room(Shard& shard, const Object& object, std::size_t max_variants, Objects& removed) {
    Objects variants;
    for (Object* other = *bucket(shard, object.hash); other; other = other->next)
        if (other->hash == object.hash && other->record.key == object.record.key) variants.push_back(other);
    const auto same = std::ranges::find_if(
        variants, [&](const Object* other) { return other->record.variant == object.record.variant; });
    if (same != variants.end()) {
        take_out(shard, *same);
        removed.push_back(*same);
        return;
    }
    if (variants.size() < max_variants) return;
    Object* least = *std::ranges::min_element(
        variants, {}, [](const Object* other) { return std::pair(other->used, other->record.id); });
    take_out(shard, least);
    removed.push_back(least);
}

void Index::note_erasure(std::uint64_t hash) noexcept {
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    note_erasure(shard, hash);
}

bool Index::erased_since(std::uint64_t hash, std::uint64_t mark) {
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    return frozen_ || erased_since(shard, hash, mark);
}

bool Index::is_in(Shard& shard, std::uint64_t hash, std::string_view key, std::string_view variant) noexcept {
    for (const Object* object = *bucket(shard, hash); object; object = object->next)
        if (object->hash == hash && object->record.key == key && object->record.variant == variant) return true;
    return false;
}

bool Index::has(std::uint64_t hash, std::string_view key, std::string_view variant) {
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    return is_in(shard, hash, key, variant);
}

bool Index::insert(Object* object, std::size_t max_variants, std::uint64_t mark, const std::function<void()>& publish,
                   Objects& removed, bool replaces) {
    Shard& shard = shard_of(object->hash);
    const std::lock_guard lock(shard.mutex);
    if (frozen_ || erased_since(shard, object->hash, mark)) return false;
    if (!replaces && is_in(shard, object->hash, object->record.key, object->record.variant)) return false;
    make_room(shard, *object, max_variants, removed);
    if (shard.count >= shard.buckets.size()) grow(shard);
    Object** link = bucket(shard, object->hash);
    object->next = *link;
    *link = object;
    object->used = uses_.fetch_add(1, std::memory_order_relaxed) + 1;
    object->indexed = true;
    push_newest(shard, object);
    ++shard.count;
    size_.fetch_add(1, std::memory_order_relaxed);
    shard.oldest_use.store(shard.oldest->used, std::memory_order_relaxed);
    publish();
    return true;
}

void Index::erase(std::uint64_t hash, const Matches& matches, Objects& removed) {
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    note_erasure(shard, hash);
    Object* next = nullptr;
    for (Object* object = *bucket(shard, hash); object; object = next) {
        next = object->next;
        if (object->hash != hash || !matches(*object)) continue;
        take_out(shard, object);
        removed.push_back(object);
    }
}

void Index::erase_all(const Matches& matches, Objects& removed) {
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        // What is being stored now may be one of those, and nobody knows: it is not stored.
        shard.forgotten = erasures_.fetch_add(1, std::memory_order_acq_rel) + 1;
        Object* older = nullptr;
        for (Object* object = shard.newest; object; object = older) {
            older = object->older;
            if (!matches(*object)) continue;
            take_out(shard, object);
            removed.push_back(object);
        }
    }
}

bool Index::erase(Object* object) {
    Shard& shard = shard_of(object->hash);
    const std::lock_guard lock(shard.mutex);
    if (!object->indexed) return false;
    take_out(shard, object);
    return true;
}

Object* Index::evict() {
    for (std::size_t attempt = 0; attempt < 2 * shard_count; ++attempt) {
        Shard& shard = *std::ranges::min_element(
            shards_, {}, [](const Shard& one) { return one.oldest_use.load(std::memory_order_relaxed); });
        const std::lock_guard lock(shard.mutex);
        if (!shard.oldest) {
            if (size() == 0) return nullptr;
            continue;
        }
        Object* object = shard.oldest;
        take_out(shard, object);
        return object;
    }
    return nullptr;
}

void Index::freeze(const std::function<void(const Object&)>& visit) {
    for (Shard& shard : shards_) shard.mutex.lock();
    frozen_ = true;
    for (Shard& shard : shards_) {
        for (const Object* object = shard.newest; object; object = object->older)
            if (object->is_pinned()) visit(*object);
        shard.mutex.unlock();
    }
}

void Index::visit(std::uint64_t& cursor, std::size_t most, const std::function<bool(const Object&)>& visit) {
    std::size_t seen = 0;
    bool more = true;
    std::size_t at = cursor >> 40U;
    std::size_t from = cursor & ((std::uint64_t{1} << 40U) - 1);
    for (; at < shard_count; ++at, from = 0) {
        Shard& shard = shards_[at];
        const std::lock_guard lock(shard.mutex);
        for (std::size_t i = from; i < shard.buckets.size(); ++i) {
            if (!more || seen >= most) {
                cursor = std::uint64_t{at} << 40U | i;
                return;
            }
            for (const Object* object = shard.buckets[i]; object; object = object->next, ++seen) more &= visit(*object);
        }
    }
    cursor = 0;
}

void Index::visit(std::uint64_t hash, const std::function<void(const Object&)>& visit) {
    Shard& shard = shard_of(hash);
    const std::lock_guard lock(shard.mutex);
    for (const Object* object = *bucket(shard, hash); object; object = object->next)
        if (object->hash == hash) visit(*object);
}

} // namespace mpsup::cache
