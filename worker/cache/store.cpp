#include "worker/cache/store.h"

#include "worker/cache/storable.h"
#include "worker/cache/store_core.h"
#include "worker/cache/vary.h"

#include <algorithm>

namespace mpsup::cache {

namespace {

constexpr std::uint64_t most_copied = std::uint64_t{4} << 20U; // of content, by who does not write
constexpr std::size_t most_evictions = 4096;                   // for one run
constexpr std::size_t most_listed_over = 16384;                // objects looked at by one call of list()
constexpr std::uint64_t disk_cursor = std::uint64_t{1} << 63U; // of list(): the rest is of the disk

bool is_for(const Object& object, Fields request_fields) {
    const Record& record = object.record;
    return record.variant.empty() || variant_matches(record.variant, request_fields, object.language);
}

} // namespace

StoreCore::StoreCore(Arena arena, const StoreOptions& options)
    : arena_(std::move(arena)),
      options_(options),
      max_object_(std::min(options.max_object, std::uint64_t{arena_.units()} * Arena::unit_bytes / 8)),
      keeper_(arena_) {}

// ---- roles

bool StoreCore::try_to_write() {
    const std::lock_guard changing(changing_);
    if (role() != Role::guest) return role() == Role::writer;
    if (!arena_.lock_writer()) return false;
    const bool sound = arena_.is_sound();
    // A layout that we do not know, and somebody may be sending from it.
    const bool too_early = !sound && arena_.held_slots(UINT32_MAX) != 0;
    const auto slot = too_early ? std::nullopt : arena_.lock_slot();
    if (!slot) {
        arena_.unlock_writer();
        return false;
    }
    if (!sound) arena_.format();
    hash_key_ = arena_.hash_key();
    sound_.store(true, std::memory_order_release);
    next_id_ = load(arena_, *slot, keeper_, index_, options_.max_variants) + 1;
    const std::uint64_t logged = arena_.erasures();
    carry_out(arena_.erasures_done(), logged);
    erasures_done_ = logged;

    const std::unique_lock alone(writing_);
    role_.store(Role::writer, std::memory_order_release);
    const std::lock_guard guest(guest_mutex_);
    surveyed_.clear();
    return true;
}

void StoreCore::survey() {
    if (!arena_.is_sound()) return;
    hash_key_ = arena_.hash_key();
    sound_.store(true, std::memory_order_release);
    const std::lock_guard guest(guest_mutex_);
    for (const Location& location : cache::survey(arena_)) surveyed_.emplace(location.hash, location);
}

void StoreCore::retire() {
    const std::lock_guard changing(changing_);
    const Role before = role();
    if (before == Role::retired) return;
    {
        const std::unique_lock alone(writing_);
        const std::lock_guard erasing(erasing_);
        if (before == Role::writer) carry_out(erasures_done_, arena_.erasures());
        role_.store(Role::retired, std::memory_order_release);
        index_.freeze([this](const Object& object) { keeper_.hold(object); });
        keeper_.close();
    }
    if (disk_) disk_->retire();
    if (before == Role::writer) arena_.unlock_writer();
}

// ---- finding

Store::Found StoreCore::find(const CacheKey& key, Fields request_fields) {
    if (!sound_.load(std::memory_order_acquire)) return {};
    const std::uint64_t hash = hash_of(key.text());
    if (role() == Role::writer) {
        carry_out_erasures();
        Found found = find_here(hash, key.text(), request_fields);
        if (found.hit) return found;
        if (disk_) look_on_disk(hash, key.text(), request_fields, found);
        if (found.hit || role() == Role::writer) return found;
    }
    return find_copy(hash, key.text(), request_fields);
}

Store::Found StoreCore::find_here(std::uint64_t hash, std::string_view key, Fields request_fields) {
    Found found;
    for (;;) {
        Object* object = index_.pin(hash, [&](const Object& candidate) {
            if (candidate.record.key != key) return false;
            found.known = true;
            return is_for(candidate, request_fields);
        });
        if (!object) return found;
        if (!object->content || object->content->verify()) {
            found.hit = Hit(object);
            return found;
        }
        drop_damaged(object);
    }
}

// The one who had this object pinned alone knows that its content is not what was stored.
void StoreCore::drop_damaged(Object* object) {
    damaged_.fetch_add(1, std::memory_order_relaxed);
    if (index_.erase(object)) bury({object});
    object->release();
}

Store::Found StoreCore::find_copy(std::uint64_t hash, std::string_view key, Fields request_fields) {
    std::vector<Location> locations;
    if (role() == Role::retired) {
        index_.visit(hash,
                     [&](const Object& object) { locations.push_back({hash, object.record.id, object.run.first}); });
    } else {
        const std::lock_guard guest(guest_mutex_);
        const auto [from, to] = surveyed_.equal_range(hash);
        for (auto at = from; at != to; ++at) locations.push_back(at->second);
    }
    std::ranges::sort(locations, std::greater{}, &Location::id);
    Found found;
    for (const Location& location : locations) {
        Hit hit(copy_out(arena_, location, most_copied));
        if (!hit || hit.key() != key) continue;
        found.known = true;
        if (!is_for(*hit.object(), request_fields)) continue;
        found.hit = std::move(hit);
        break;
    }
    return found;
}

// ---- storing

std::optional<Run> StoreCore::take(std::uint32_t count, bool exactly) {
    for (std::size_t evictions = 0; evictions < most_evictions; ++evictions) {
        if (const auto run = exactly ? keeper_.take(count) : keeper_.take_some(count)) return run;
        if (keeper_.reclaim()) continue;
        const std::uint64_t mark = index_.mark();
        Object* object = index_.evict();
        if (!object) return std::nullopt;
        evicted_.fetch_add(1, std::memory_order_relaxed);
        evict(object, mark);
    }
    return std::nullopt;
}

// What is being stored cannot be evicted; half of the memory always can.
bool StoreCore::reserve_pending(std::uint32_t units) noexcept {
    if (pending_units_.fetch_add(units, std::memory_order_relaxed) + units <= arena_.units() / 2) return true;
    release_pending(units);
    return false;
}

Object* StoreCore::write_object(Record record, Content* content) {
    const auto run =
        record.bytes() <= max_record
            ? take(static_cast<std::uint32_t>((record.bytes() + Arena::unit_bytes - 1) / Arena::unit_bytes), true)
            : std::nullopt;
    if (!run) {
        if (content) keeper_.release(content);
        return nullptr;
    }
    record.id = next_id_.fetch_add(1, std::memory_order_relaxed);
    record.content_first = content ? std::optional(content->pieces.front().run.first) : std::nullopt;
    write_record(arena_.at(run->first), record);
    const auto written = read_record({arena_.at(run->first), std::size_t{run->count} * Arena::unit_bytes});
    if (!written) { // fields that cannot be sent
        keeper_.give(*run);
        if (content) keeper_.release(content);
        return nullptr;
    }
    auto* object = new Object(&keeper_, *written, *run, content);
    object->hash = hash_of(record.key);
    object->acquire();
    return object;
}

Object* StoreCore::insert(const Record& record, Content* content, std::uint64_t mark) {
    Object* object = write_object(record, content);
    if (!object) return nullptr;
    Index::Objects removed;
    const auto in_memory = [&] {
        return index_.insert(object, options_.max_variants, mark, [&] { keeper_.publish(*object); }, removed);
    };
    const bool inserted =
        disk_ ? disk_->supersede(object->hash, object->record.key, object->record.variant, in_memory) : in_memory();
    bury(removed);
    if (!inserted) {
        object->release();
        object->release();
        return nullptr;
    }
    stored_.fetch_add(1, std::memory_order_relaxed);
    return object;
}

bool StoreCore::freshen(Hit& hit, const std::string& fields, const Metadata& metadata) {
    const WritingLock lock = writing();
    const std::uint64_t mark = index_.mark();
    const Object& old = *hit.object();
    Record record = old.record;
    record.fields = fields;
    record.metadata = metadata;
    if (role() == Role::writer && old.disk) return freshen_on_disk(hit, record);
    if (role() != Role::writer || old.run.count == 0 || !old.indexed) return false;
    if (old.content) old.content->references.fetch_add(1, std::memory_order_relaxed);
    Object* fresh = insert(record, old.content, mark);
    if (!fresh) return false;
    hit = Hit(fresh);
    return true;
}

StoreWriter StoreCore::begin(const NewResponse& response) {
    const bool too_large =
        response.length.value_or(0) > std::max(max_object_, max_on_disk()) ||
        response.key.size() + response.variant.size() + response.tags.size() + response.fields.size() >
            max_record - sizeof(RecordHeader);
    if (role() != Role::writer || too_large) {
        count_rejected();
        return {};
    }
    return {*this, response, response.mark != 0 ? response.mark : mark()};
}

// ---- looking

std::vector<StoredRow> StoreCore::list(std::uint64_t& cursor, std::size_t limit, std::string_view prefix, Seconds now) {
    std::vector<StoredRow> rows;
    const WritingLock lock = writing();
    if (role() != Role::writer || limit == 0) {
        cursor = 0;
        return rows;
    }
    if (disk_ && (cursor & disk_cursor) != 0) {
        list_disk(cursor, limit, prefix, now, rows);
        return rows;
    }
    index_.visit(cursor, most_listed_over, [&](const Object& object) {
        const Record& record = object.record;
        if (record.key.starts_with(prefix))
            rows.push_back({std::string(record.key), std::string(record.variant), std::string(record.tags),
                            record.metadata.status, record.content_size, record.metadata.age(now),
                            record.metadata.ttl(now), false});
        return rows.size() < limit;
    });
    if (cursor == 0 && disk_) cursor = disk_cursor;
    return rows;
}

StoreStats StoreCore::stats() const {
    StoreStats stats;
    stats.bytes = std::uint64_t{arena_.units()} * Arena::unit_bytes;
    if (role() == Role::writer)
        stats.used_bytes = stats.bytes - std::uint64_t{keeper_.free_units()} * Arena::unit_bytes;
    stats.objects = index_.size();
    stats.hits = hits_;
    stats.misses = misses_;
    stats.stored = stored_;
    stats.rejected = rejected_;
    stats.evicted = evicted_;
    stats.erased = erased_;
    stats.damaged = damaged_;
    if (disk_) stats.disk = disk_->stats();
    return stats;
}

// ---- the door

Store::Store(std::unique_ptr<StoreCore> core) noexcept : core_(std::move(core)) {}
Store::~Store() {
    core_->retire();
    if (core_->disk()) core_->disk()->finish(); // it may be copying out of memory
}

Result<Fd> Store::make_memory(std::uint64_t size) {
    constexpr std::uint64_t step = std::uint64_t{64} * 1024;
    size = std::clamp(size, Arena::min_bytes, Arena::max_bytes);
    return make_sealed_memfd("mpsup-cache", (size + step - 1) / step * step);
}

Result<std::unique_ptr<Store>> Store::attach(const Fd& memory, const StoreOptions& options) {
    auto arena = Arena::map(memory);
    if (!arena) return std::unexpected(std::move(arena.error()));
    auto core = std::make_unique<StoreCore>(std::move(*arena), options);
    if (!core->try_to_write()) core->survey();
    return std::unique_ptr<Store>(new Store(std::move(core)));
}

Store::Role Store::role() const noexcept { return core_->role(); }
bool Store::try_to_write() { return core_->try_to_write(); }
void Store::retire() { core_->retire(); }
void Store::use_disk(std::shared_ptr<DiskTier> disk) noexcept { core_->use_disk(std::move(disk)); }
DiskTier* Store::disk() const noexcept { return core_->disk(); }
void Store::open_disk() { core_->open_disk(); }
void Store::save_some(Seconds now) { core_->save_some(now); }
void Store::promote(Hit& hit) { core_->promote(hit); }
Store::Found Store::find(const CacheKey& key, Fields request_fields) { return core_->find(key, request_fields); }
std::uint64_t Store::mark() const noexcept { return core_->mark(); }
StoreWriter Store::begin(const NewResponse& response) { return core_->begin(response); }
bool Store::freshen(Hit& hit, const std::string& fields, const Metadata& metadata) {
    return core_->freshen(hit, fields, metadata);
}
std::size_t Store::erase(const CacheKey& key) { return core_->erase(key); }
bool Store::erase(const Hit& hit) { return core_->erase(hit); }
std::size_t Store::erase_tag(std::string_view tag) { return core_->erase_tag(tag); }
std::size_t Store::clear() { return core_->clear(); }
std::vector<StoredRow> Store::list(std::uint64_t& cursor, std::size_t limit, std::string_view prefix, Seconds now) {
    return core_->list(cursor, limit, prefix, now);
}
void Store::count_hit() noexcept { core_->count_hit(); }
void Store::count_miss() noexcept { core_->count_miss(); }
StoreStats Store::stats() const { return core_->stats(); }

} // namespace mpsup::cache
