// Finds objects by key, and knows which were not used for longest.
#pragma once

#include "worker/cache/object.h"

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace mpsup::cache {

/// Divided into shards by the hash of the key, each with a lock of its own; only freeze takes more than one. It owns one
/// reference of each object in it. Objects that leave it are handed to the caller, who owns that reference then and buries
/// them: outside of the lock, but before he does anything else.
class Index {
public:
    using Objects = std::vector<Object*>;
    using Matches = std::function<bool(const Object&)>;
    static constexpr std::size_t shard_count = 32;

    Index();
    ~Index();
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    /// Of the objects under a hash that match, the latest, with a reference for the caller; null: there is none. `matches` is
    /// called with the lock. Not even a match is found after freeze().
    template <typename Match> [[nodiscard]] Object* pin(std::uint64_t hash, Match matches) {
        Shard& shard = shard_of(hash);
        const std::lock_guard lock(shard.mutex);
        if (frozen_) return nullptr;
        Object* found = nullptr;
        for (Object* object = *bucket(shard, hash); object; object = object->next)
            if (object->hash == hash && matches(*object) && (!found || object->record.id > found->record.id))
                found = object;
        if (found) {
            found->acquire();
            touch(shard, found);
        }
        return found;
    }

    /// Puts an object in, and takes out those that it replaces (same key and variant) and, beyond `max_variants` of its key,
    /// the least used. False, and nothing happens: its key was erased after `mark`, or there is one that it would replace and
    /// `replaces` is not set. `publish` is called with the lock.
    bool insert(Object* object, std::size_t max_variants, std::uint64_t mark, const std::function<void()>& publish,
                Objects& removed, bool replaces = true);
    /// What is being stored of that hash now is not inserted any more.
    void note_erasure(std::uint64_t hash) noexcept;
    /// Was anything of that hash erased after `mark`? Rather yes than no.
    [[nodiscard]] bool erased_since(std::uint64_t hash, std::uint64_t mark);
    [[nodiscard]] bool has(std::uint64_t hash, std::string_view key, std::string_view variant);

    /// Of one hash, those that match. Whatever of it is being stored now is not inserted any more.
    void erase(std::uint64_t hash, const Matches& matches, Objects& removed);
    /// Of all.
    void erase_all(const Matches& matches, Objects& removed);
    /// This one, if it is still there.
    bool erase(Object* object);
    /// The one that was not used for longest, more or less.
    [[nodiscard]] Object* evict();
    /// To be given to insert: what is erased from now on counts.
    [[nodiscard]] std::uint64_t mark() const noexcept { return erasures_.load(std::memory_order_acquire); }

    /// No more pins; calls `visit` for each object that is pinned.
    void freeze(const std::function<void(const Object&)>& visit);

    /// Calls `visit` for about `most` objects from `cursor` on, fewer when it returns false; moves the cursor. 0 again: that was
    /// all.
    void visit(std::uint64_t& cursor, std::size_t most, const std::function<bool(const Object&)>& visit);
    /// Calls `visit` for those under a hash; also when it is frozen.
    void visit(std::uint64_t hash, const std::function<void(const Object&)>& visit);

    [[nodiscard]] std::uint64_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

private:
    struct Erasure {
        std::uint64_t number = 0, hash = 0;
    };
    struct alignas(64) Shard {
        std::mutex mutex;
        std::vector<Object*> buckets;
        std::size_t count = 0;
        Object *newest = nullptr, *oldest = nullptr;
        std::array<Erasure, 64> erasures{}; // the latest
        std::size_t next_erasure = 0;
        std::uint64_t forgotten = 0; // the last one that is not among them any more
        std::atomic<std::uint64_t> oldest_use{UINT64_MAX};
    };

    Shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash % shard_count]; }
    static Object** bucket(Shard& shard, std::uint64_t hash) noexcept {
        return &shard.buckets[(hash / shard_count) & (shard.buckets.size() - 1)];
    }
    [[nodiscard]] static bool is_in(Shard& shard, std::uint64_t hash, std::string_view key,
                                    std::string_view variant) noexcept;
    void touch(Shard& shard, Object* object) noexcept;
    static void push_newest(Shard& shard, Object* object) noexcept;
    static void take_from_order(Shard& shard, Object* object) noexcept;
    void take_out(Shard& shard, Object* object) noexcept;
    static void grow(Shard& shard);
    void note_erasure(Shard& shard, std::uint64_t hash) noexcept;
    [[nodiscard]] static bool erased_since(const Shard& shard, std::uint64_t hash, std::uint64_t mark) noexcept;
    void make_room(Shard& shard, const Object& object, std::size_t max_variants, Objects& removed);

    std::array<Shard, shard_count> shards_;
    std::atomic<std::uint64_t> uses_{1};     // goes on with each insertion: the clock of the order
    std::atomic<std::uint64_t> erasures_{1}; // ever, and one
    std::atomic<std::uint64_t> size_{0};
    bool frozen_ = false; // set with each shard's lock held in turn, so read under any of them
};

} // namespace mpsup::cache
