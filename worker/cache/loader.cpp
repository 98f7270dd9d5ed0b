#include "worker/cache/loader.h"

#include "worker/cache/checksum.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>

namespace mpsup::cache {

namespace {

std::uint32_t units_for(std::uint64_t bytes) noexcept {
    return static_cast<std::uint32_t>((bytes + Arena::unit_bytes - 1) / Arena::unit_bytes);
}

std::span<const char> bytes_of(const Arena& arena, const Run& run) noexcept {
    return {arena.at(run.first), std::size_t{run.count} * Arena::unit_bytes};
}

// The runs of a content, if they are a chain that is exactly as long as it should be.
std::optional<std::vector<Run>> chain_of(const Arena& arena, const Record& record) {
    std::vector<Run> runs;
    if (!record.content_first) return runs;
    if (record.content_size > std::uint64_t{arena.units()} * Arena::unit_bytes) return std::nullopt;
    std::uint32_t wanted = units_for(record.content_size);
    for (std::uint32_t unit = *record.content_first; wanted > 0;) {
        if (unit >= arena.units()) return std::nullopt;
        const UnitMark mark = arena.mark(unit);
        if (mark.kind != UnitKind::content || !arena.is_run(unit, mark) || mark.count > wanted) return std::nullopt;
        runs.push_back({unit, mark.count});
        wanted -= mark.count;
        if ((mark.link == 0) != (wanted == 0)) return std::nullopt;
        unit = mark.link - 1;
    }
    return runs;
}

// The work of load().
class Loader {
public:
    Loader(Arena& arena, Keeper& keeper, Index& index)
        : arena_(arena), keeper_(keeper), index_(index), space_(arena.units()) {}

    std::uint64_t load(unsigned slot, std::size_t max_variants) {
        find_records(std::uint32_t{1} << slot);
        // What others send from first: that must not be given away, whatever else is wrong.
        for (const Found& found : dead_) reserve(found);
        std::ranges::sort(live_, {}, &Found::id);
        Index::Objects removed;
        for (const Found& found : live_) take_over(found, max_variants, removed);
        keeper_.open(slot, std::move(space_));
        for (const Found& found : reserved_) keeper_.leave_to(found.holders, found.run);
        for (Content* content : reserved_contents_) keeper_.release(content);
        for (Object* object : removed) {
            keeper_.bury(*object);
            object->release();
        }
        return last_id_;
    }

private:
    struct Found {
        std::uint64_t id = 0;
        Run run;
        std::uint32_t holders = 0;
    };

    void find_records(std::uint32_t own) {
        std::uint32_t holders = 0;
        for (std::uint32_t unit = 0; unit < arena_.units(); ++unit) {
            const UnitMark mark = arena_.mark(unit);
            if ((mark.kind != UnitKind::record && mark.kind != UnitKind::dead) || !arena_.is_run(unit, mark)) continue;
            RecordHeader header;
            std::memcpy(&header, arena_.at(unit), sizeof header);
            (mark.kind == UnitKind::record ? live_ : dead_)
                .push_back({header.id, {unit, mark.count}, mark.link & ~own});
            holders |= mark.link & ~own;
        }
        const std::uint32_t there = holders == 0 ? 0 : arena_.held_slots(holders);
        for (std::vector<Found>* list : {&live_, &dead_})
            for (Found& found : *list) found.holders &= there;
        std::erase_if(dead_, [](const Found& found) { return found.holders == 0; });
    }

    bool claim(const std::vector<Run>& runs) {
        for (std::size_t i = 0; i < runs.size(); ++i) {
            if (space_.claim(runs[i])) continue;
            for (std::size_t back = 0; back < i; ++back) space_.give(runs[back]);
            return false;
        }
        return true;
    }

    // Left alone, and not found. Its content may be shared with a response that is.
    void reserve(const Found& found) {
        if (!space_.claim(found.run)) return;
        reserved_.push_back(found);
        const auto record = read_record(bytes_of(arena_, found.run));
        if (!record || !record->content_first) return;
        if (Content* content = content_of(*record, *record->content_first, found))
            reserved_contents_.push_back(content);
    }

    Content* content_of(const Record& record, std::uint32_t first, const Found& found) {
        if (const auto known = contents_.find(first); known != contents_.end()) {
            Content* content = known->second;
            if (content->size != record.content_size || content->checksum != record.content_checksum) return nullptr;
            content->references.fetch_add(1, std::memory_order_relaxed);
            content->holders |= found.holders;
            return content;
        }
        const auto chain = chain_of(arena_, record);
        if (!chain || !claim(*chain)) return nullptr;
        auto* content = new Content;
        content->size = record.content_size;
        content->checksum = record.content_checksum;
        content->units = arena_.at(0);
        content->holders = found.holders;
        for (const Run& run : *chain) content->append(run);
        contents_.emplace(first, content);
        return content;
    }

    void take_over(const Found& found, std::size_t max_variants, Index::Objects& removed) {
        const auto record = read_record(bytes_of(arena_, found.run));
        if (record) last_id_ = std::max(last_id_, record->id);
        if (!record || !space_.claim(found.run)) return forget(found);
        Content* content = nullptr;
        if (record->content_first && !(content = content_of(*record, *record->content_first, found))) {
            space_.give(found.run);
            return forget(found);
        }
        auto* object = new Object(&keeper_, *record, found.run, content);
        object->holders = found.holders;
        object->hash = keyed_hash(arena_.hash_key(), record->key);
        index_.insert(object, max_variants, UINT64_MAX, [] {}, removed);
    }

    // Not what it should be. If somebody sends from it, his memory is still his.
    void forget(const Found& found) {
        if (found.holders != 0)
            reserve(found);
        else
            arena_.set_mark(found.run.first, {});
    }

    Arena& arena_;
    Keeper& keeper_;
    Index& index_;
    Space space_;
    std::uint64_t last_id_ = 0; // of the records that are what they should be
    std::vector<Found> live_, dead_, reserved_;
    std::vector<Content*> reserved_contents_;
    std::unordered_map<std::uint32_t, Content*> contents_; // by their first unit
};

} // namespace

std::uint64_t load(Arena& arena, unsigned slot, Keeper& keeper, Index& index, std::size_t max_variants) {
    return Loader(arena, keeper, index).load(slot, max_variants);
}

std::vector<Location> survey(const Arena& arena) {
    std::vector<Location> found;
    std::vector<char> copy;
    for (std::uint32_t unit = 0; unit < arena.units(); ++unit) {
        const UnitMark mark = arena.mark(unit);
        if (mark.kind != UnitKind::record || !arena.is_run(unit, mark)) continue;
        const std::span<const char> bytes = bytes_of(arena, {unit, mark.count});
        copy.assign(bytes.begin(), bytes.end());
        if (const auto record = read_record(copy))
            found.push_back({keyed_hash(arena.hash_key(), record->key), record->id, unit});
    }
    return found;
}

Object* copy_out(const Arena& arena, const Location& where, std::uint64_t limit) {
    const UnitMark mark = arena.mark(where.unit);
    if (mark.kind != UnitKind::record || !arena.is_run(where.unit, mark)) return nullptr;
    const std::span<const char> bytes = bytes_of(arena, {where.unit, mark.count});
    std::string text(bytes.data(), bytes.size());
    const auto record = read_record(text);
    if (!record || record->id != where.id || record->content_size > limit) return nullptr;
    const auto chain = chain_of(arena, *record);
    if (!chain) return nullptr;

    auto content = record->content_size == 0 ? nullptr : std::make_unique<Content>();
    if (content) {
        content->size = record->content_size;
        content->copy.reserve(record->content_size);
        for (const Run& run : *chain) {
            const std::size_t left = record->content_size - content->copy.size();
            content->copy.append(arena.at(run.first), std::min(left, std::size_t{run.count} * Arena::unit_bytes));
        }
        if (checksum(content->copy) != record->content_checksum) return nullptr;
        content->verified = true;
    }
    // Still the same one: it was not erased while it was read.
    if (arena.mark(where.unit).kind != UnitKind::record) return nullptr;
    // Longer than any string that would lie in itself, so the views stay good when it is moved.
    auto* object = new Object(nullptr, *record, Run{}, content.release());
    object->copy = std::move(text);
    return object;
}

} // namespace mpsup::cache
