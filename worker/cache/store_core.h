// The insides of Store, shared with StoreWriter.
#pragma once

#include "worker/cache/index.h"
#include "worker/cache/keeper.h"
#include "worker/cache/loader.h"
#include "worker/cache/store.h"

#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace mpsup::cache {

/// Locks, in the order in which they are taken: changing_ (of roles), writing_ (shared: somebody writes now; alone: nobody
/// does, and the role may change), guest_mutex_ or erasing_ or that of a shard, the keeper's.
class StoreCore {
public:
    using Role = Store::Role;
    using Found = Store::Found;
    StoreCore(Arena arena, const StoreOptions& options);

    [[nodiscard]] Role role() const noexcept { return role_.load(std::memory_order_acquire); }
    bool try_to_write();
    void retire();
    void survey();
    void use_disk(std::shared_ptr<DiskTier> disk) noexcept { disk_ = std::move(disk); }
    [[nodiscard]] DiskTier* disk() const noexcept { return disk_.get(); }
    void open_disk();
    void save_some(Seconds now);

    [[nodiscard]] Found find(const CacheKey& key, Fields request_fields);
    void promote(Hit& hit);
    [[nodiscard]] StoreWriter begin(const NewResponse& response);
    bool freshen(Hit& hit, const std::string& fields, const Metadata& metadata);
    std::size_t erase(const CacheKey& key);
    bool erase(const Hit& hit);
    std::size_t erase_tag(std::string_view tag);
    std::size_t clear();
    std::vector<StoredRow> list(std::uint64_t& cursor, std::size_t limit, std::string_view prefix, Seconds now);
    [[nodiscard]] StoreStats stats() const;
    [[nodiscard]] std::uint64_t mark() const noexcept { return index_.mark(); }

    // For writers, each under a WritingLock.
    using WritingLock = std::shared_lock<std::shared_mutex>;
    [[nodiscard]] WritingLock writing() { return WritingLock(writing_); }
    [[nodiscard]] char* at(std::uint32_t unit) const noexcept { return arena_.at(unit); }
    [[nodiscard]] std::uint64_t max_object() const noexcept { return max_object_; }
    /// A run of `count` units, of some units if that will do; others leave for it.
    [[nodiscard]] std::optional<Run> take(std::uint32_t count, bool exactly);
    void give(const Run& run) { keeper_.give(run); }
    void link(const Content& content) { keeper_.link(content); }
    /// Content that outgrows memory.
    [[nodiscard]] std::optional<DiskTier::Writer> write_to_disk() const;
    [[nodiscard]] std::uint64_t max_on_disk() const noexcept { return disk_ ? disk_->max_object() : 0; }
    [[nodiscard]] bool insert_on_disk(const Record& record, DiskTier::Writer& writer, std::uint64_t mark);
    /// More is being stored now than may be at once?
    [[nodiscard]] bool reserve_pending(std::uint32_t units) noexcept;
    void release_pending(std::uint32_t units) noexcept { pending_units_.fetch_sub(units, std::memory_order_relaxed); }
    /// Writes the record and puts the response into the index. Owns `content` from then on. Null: it could not be. Otherwise with
    /// a reference for the caller.
    [[nodiscard]] Object* insert(const Record& record, Content* content, std::uint64_t mark);
    void count_rejected() noexcept { rejected_.fetch_add(1, std::memory_order_relaxed); }

    void count_hit() noexcept { hits_.fetch_add(1, std::memory_order_relaxed); }
    void count_miss() noexcept { misses_.fetch_add(1, std::memory_order_relaxed); }

private:
    [[nodiscard]] std::uint64_t hash_of(std::string_view key) const noexcept { return keyed_hash(hash_key_, key); }
    [[nodiscard]] Found find_here(std::uint64_t hash, std::string_view key, Fields request_fields);
    [[nodiscard]] Found find_copy(std::uint64_t hash, std::string_view key, Fields request_fields);
    void look_on_disk(std::uint64_t hash, std::string_view key, Fields request_fields, Found& found);
    /// What an object of the disk has, as one of memory: without `replaces` only if there is none.
    [[nodiscard]] Object* bring_in(const Object& from, const Record& record, bool replaces);
    [[nodiscard]] Content* copy_in(std::string_view bytes, std::uint32_t checksum);
    [[nodiscard]] Object* write_object(Record record, Content* content);
    bool freshen_on_disk(Hit& hit, const Record& record);
    /// The caller buries what is removed.
    void take_out(std::uint64_t hash, const Record& of, Index::Objects& removed);
    void clear_both(Index::Objects& removed);
    void list_disk(std::uint64_t& cursor, std::size_t limit, std::string_view prefix, Seconds now,
                   std::vector<StoredRow>& rows);
    void evict(Object* object, std::uint64_t mark);
    void bury(const Index::Objects& objects);
    void drop_damaged(Object* object);
    /// What others have logged since; by the writer, before it looks for anything.
    void carry_out_erasures();
    void carry_out(std::uint64_t from, std::uint64_t to);
    std::size_t tell_the_writer(std::uint64_t hash);

    Arena arena_;
    const StoreOptions options_;
    const std::uint64_t max_object_;
    Keeper keeper_;
    Index index_; // the keeper must outlive it
    std::atomic<Role> role_{Role::guest};
    HashKey hash_key_; // set before the arena counts as sound
    std::atomic<bool> sound_{false};
    std::mutex changing_;
    std::shared_mutex writing_;

    std::mutex guest_mutex_;
    std::unordered_multimap<std::uint64_t, Location> surveyed_;

    std::mutex erasing_; // held by whoever carries out, and when the writer retires
    std::atomic<std::uint64_t> erasures_done_{0};

    std::shared_ptr<DiskTier> disk_;
    std::uint64_t saved_ = 0; // how far save_some has come

    std::atomic<std::uint64_t> next_id_{1};
    std::atomic<std::uint32_t> pending_units_{0};
    std::atomic<std::uint64_t> hits_{0}, misses_{0};
    std::atomic<std::uint64_t> stored_{0}, rejected_{0}, evicted_{0}, erased_{0}, damaged_{0};
};

} // namespace mpsup::cache
