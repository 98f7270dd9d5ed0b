#include "worker/cache/disk_tier.h"

#include "worker/cache/object.h"

#include <algorithm>
#include <bit>

namespace mpsup::cache {

namespace {

constexpr std::size_t most_early = 65536;

bool every_one(const DiskEntry& /*entry*/) noexcept { return true; }

// Of what the file says; nothing when it cannot be.
std::optional<DiskEntry> entry_of(const DiskRecord& found, const HashKey& key) {
    const auto record = read_record(found.head);
    if (!record) return std::nullopt;
    const std::uint64_t parts = (record->content_size + DiskFile::part_bytes - 1) / DiskFile::part_bytes;
    const bool is_whole = found.parts.empty();
    if (is_whole ? found.content_bytes != record->content_size : found.parts.size() != parts) return std::nullopt;
    DiskEntry entry;
    entry.hash = keyed_hash(key, record->key);
    entry.position = entry.oldest = found.position;
    for (const std::uint64_t part : found.parts) entry.oldest = std::min(entry.oldest, part);
    entry.content_size = record->content_size;
    entry.stored_bytes = found.bytes + (is_whole ? 0 : record->content_size);
    entry.response_time = record->metadata.response_time;
    entry.initial_age = record->metadata.initial_age;
    entry.lifetime = record->metadata.lifetime;
    entry.status = record->metadata.status;
    entry.front = found.front;
    entry.is_whole = is_whole;
    entry.set_texts(*record, language_of(*record));
    return entry;
}

} // namespace

std::shared_ptr<DiskTier> DiskTier::make(DiskOptions options) {
    return std::shared_ptr<DiskTier>(new DiskTier(std::move(options)));
}

void DiskTier::tell(bool off, const std::string& what) const {
    if (options_.tell) options_.tell(off, what);
}

// ---- from closed to open, and to off

void DiskTier::try_to_open(const HashKey& key) {
    State expected = State::closed;
    if (!state_.compare_exchange_strong(expected, State::loading)) return;
    if (auto opened = open_and_read(key); !opened) fail(opened.error());
}

Result<> DiskTier::open_and_read(const HashKey& key) {
    auto file = DiskFile::open(options_.folder);
    if (!file) return std::unexpected(std::move(file.error()));
    if (!file->lock()) {
        State loading = State::loading; // or it was retired meanwhile
        state_.compare_exchange_strong(loading, State::closed);
        return {};
    }
    if (note_.take_others()) file->wreck(); // it is made anew, without what they erased
    const auto made = file->prepare(options_.size);
    if (!made) return std::unexpected(made.error());
    if (*made) tell(false, "the file was made anew, and is empty");
    DiskDirectory found;
    const auto end = read_all(*file, key, found);
    if (!end) return std::unexpected(end.error());
    key_ = key;
    return begin_with(std::move(*file), std::move(found), *end);
}

Result<std::uint64_t> DiskTier::read_all(DiskFile& file, const HashKey& key, DiskDirectory& found) {
    DiskDirectory::Positions replaced;
    std::uint64_t damaged = 0;
    const auto scanned = file.scan([&](const DiskRecord& record) {
        if (!record.alive || record.kind != DiskRecord::Kind::response) return;
        if (auto entry = entry_of(record, key))
            found.insert(std::move(*entry), options_.max_variants, replaced);
        else
            ++damaged;
    });
    if (!scanned) return std::unexpected(scanned.error());
    found.overwrite(scanned->end > file.capacity() ? scanned->end - file.capacity() : 0);
    damaged += scanned->damaged;
    damaged_ += damaged;
    if (damaged > 0) tell(false, std::to_string(damaged) + " places in the file are damaged, and left out");
    for (const std::uint64_t position : replaced)
        if (auto killed = file.kill(position); !killed) return std::unexpected(std::move(killed.error()));
    return scanned->end;
}

// What was erased meanwhile may be much to go through: nobody waits for that.
Result<> DiskTier::begin_with(DiskFile file, DiskDirectory found, std::uint64_t end) {
    DiskDirectory::Positions removed;
    Lock lock(mutex_);
    while (!early_.empty()) {
        const std::vector<Early> some = std::exchange(early_, {});
        lock.unlock();
        for (const Early& early : some) {
            if (early.hash)
                found.erase(*early.hash, early.matches, removed);
            else
                found.erase_if(early.matches, removed);
        }
        lock.lock();
    }
    if (state_ != State::loading) { // retired: its end unlocks the file
        idle_.wait(lock, [this] { return !noting_; });
        lock.unlock();
        for (const std::uint64_t position : removed)
            if (auto killed = file.kill(position); !killed) return killed;
        note_.remove();
        return {};
    }
    file_ = std::make_unique<DiskFile>(std::move(file));
    end_ = end;
    directory_ = std::move(found);
    kill(removed);
    if (std::exchange(noted_, false)) {
        orders_.push_back({.unnote = true});
        wake_writer();
    }
    state_.store(State::open, std::memory_order_release);
    return {};
}

// By a thread that may wait; as late as a mark in the file would be.
void DiskTier::note_erasure() {
    if (noted_) return;
    noted_ = noting_ = writer_.run([self = shared_from_this()] {
        self->note_.write();
        const Lock lock(self->mutex_);
        self->noting_ = false;
        self->idle_.notify_all();
    });
}

void DiskTier::fail(const Error& error) {
    {
        const Lock lock(mutex_);
        if (state_ == State::off) return;
        state_ = State::off;
        directory_.clear();
        early_.clear();
        orders_.clear();
        ordered_bytes_ = 0;
    }
    if (file_) {
        file_->wreck(); // what should have been erased may not have been
        file_->unlock();
    }
    idle_.notify_all();
    tell(true, error.to_string());
}

void DiskTier::retire() {
    const Lock lock(mutex_);
    if (state_ == State::off || state_ == State::retiring) return;
    const bool was_open = state_ == State::open;
    state_ = was_open ? State::retiring : State::off;
    directory_.clear();
    if (!was_open) return;
    leave_segment();
    wake_writer();
    if (!writing_) file_->unlock(); // there is no thread to be had
}

void DiskTier::finish() {
    Lock lock(mutex_);
    idle_.wait(lock, [this] { return !writing_ && !noting_ && copies_ == 0; });
}

// ---- erasing

bool DiskTier::erase_where(std::optional<std::uint64_t> hash, const DiskDirectory::Matches& matches, const Step& memory,
                           const Gone& gone) {
    const Lock lock(mutex_);
    if (!memory()) return false;
    if (state_ == State::off) note_erasure();
    if (state_ == State::closed || state_ == State::loading) {
        note_erasure();
        if (early_.size() < most_early)
            early_.push_back({hash, matches});
        else
            early_ = {{std::nullopt, every_one}};
    }
    if (state_ != State::open) return true;
    DiskDirectory::Positions removed;
    const auto take = [&](const DiskEntry& entry) {
        if (!matches(entry)) return false;
        if (gone) gone(entry);
        return true;
    };
    if (hash)
        directory_.erase(*hash, take, removed);
    else
        directory_.erase_if(take, removed);
    kill(removed);
    return true;
}

bool DiskTier::supersede(std::uint64_t hash, std::string_view key, std::string_view variant, const Step& memory) {
    return erase_where(
        hash,
        [key = std::string(key), variant = std::string(variant)](const DiskEntry& entry) {
            return entry.key() == key && entry.variant() == variant;
        },
        memory, nullptr);
}

void DiskTier::erase(std::uint64_t hash, std::string_view key, const Step& memory, const Gone& gone) {
    erase_where(hash, [key = std::string(key)](const DiskEntry& entry) { return entry.key() == key; }, memory, gone);
}

void DiskTier::erase(std::uint64_t hash, const Step& memory) { erase_where(hash, every_one, memory, nullptr); }

void DiskTier::erase_tagged(std::string_view tag, const Step& memory, const Gone& gone) {
    erase_where(
        std::nullopt, [tag = std::string(tag)](const DiskEntry& entry) { return has_tag(entry.tags(), tag); }, memory,
        gone);
}

void DiskTier::clear(const Step& memory) {
    {
        const Lock lock(mutex_);
        if (state_ == State::open) {
            if (!memory()) return;
            directory_.clear();
            return forget_all();
        }
    }
    erase_where(std::nullopt, every_one, memory, nullptr);
}

void DiskTier::note_damage(const OnDisk& place) {
    {
        const Lock lock(mutex_);
        DiskDirectory::Positions removed;
        directory_.erase(place.hash, [&](const DiskEntry& entry) { return entry.position == place.position; }, removed);
        if (removed.empty()) return; // overwritten or erased while it was read
        kill(removed);
    }
    const std::uint64_t count = damaged_.fetch_add(1) + 1;
    if (std::has_single_bit(count)) // not each one of a disk that fails
        tell(false,
             std::to_string(count) + (count == 1 ? " response was" : " responses were") + " damaged, and left out");
}

void DiskTier::sync() {
    if (!is_open() || !unsynced_.exchange(false)) return;
    if (auto synced = file_->sync(); !synced) fail(synced.error());
}

// ---- looking

bool DiskTier::has(const Object& object) {
    const Lock lock(mutex_);
    return has(object.hash, object.record);
}

// An earlier one may be there though memory has taken in a later one: of its mark only the memory of a process knew.
bool DiskTier::has(std::uint64_t hash, const Record& record) {
    const DiskEntry* entry = find_entry(hash, record.key, record.variant);
    return entry && entry->response_time >= record.metadata.response_time;
}

const DiskEntry* DiskTier::find_entry(std::uint64_t hash, std::string_view key, std::string_view variant) {
    return directory_.find(hash,
                           [&](const DiskEntry& entry) { return entry.key() == key && entry.variant() == variant; });
}

bool DiskTier::while_there(const OnDisk& place, bool stays, const std::function<bool()>& act) {
    const Lock lock(mutex_);
    if (!directory_.at(place.hash, place.position) || !act()) return false;
    if (stays) return true;
    DiskDirectory::Positions removed;
    directory_.erase(place.hash, [&](const DiskEntry& entry) { return entry.position == place.position; }, removed);
    kill(removed);
    return true;
}

void DiskTier::visit(std::uint64_t& cursor, std::size_t most, const std::function<bool(const DiskEntry&)>& visit) {
    const Lock lock(mutex_);
    directory_.visit(cursor, most, visit);
}

std::uint64_t DiskTier::max_object() const noexcept {
    constexpr std::uint64_t most = std::uint64_t{DiskFile::max_parts} * DiskFile::part_bytes;
    return is_open() ? std::min(file_->capacity() / 8, most) : 0;
}

DiskStats DiskTier::stats() const {
    const Lock lock(mutex_);
    DiskStats stats;
    stats.bytes = is_open() ? file_->capacity() : 0;
    stats.used_bytes = directory_.stored_bytes();
    stats.objects = directory_.size();
    stats.hits = hits_;
    stats.stored = stored_;
    stats.dropped = dropped_;
    stats.damaged = damaged_;
    return stats;
}

} // namespace mpsup::cache
