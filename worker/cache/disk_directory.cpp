#include "worker/cache/disk_directory.h"

#include <algorithm>

namespace mpsup::cache {

void DiskEntry::set_texts(const Record& record, std::string_view language) {
    key_size = static_cast<std::uint32_t>(record.key.size());
    variant_size = static_cast<std::uint32_t>(record.variant.size());
    tags_size = static_cast<std::uint32_t>(record.tags.size());
    texts.clear();
    texts.reserve(record.key.size() + record.variant.size() + record.tags.size() + language.size());
    for (const std::string_view text : {record.key, record.variant, record.tags, language}) texts += text;
}

void DiskDirectory::take_out(Entries::iterator entry) {
    const auto [from, to] = by_hash_.equal_range(entry->second.hash);
    for (auto each = from; each != to; ++each) {
        if (each->second != entry) continue;
        by_hash_.erase(each);
        break;
    }
    stored_bytes_ -= entry->second.stored_bytes;
    entries_.erase(entry);
}

void DiskDirectory::insert(DiskEntry entry, std::size_t max_variants, Positions& removed) {
    std::vector<Entries::iterator> variants;
    const auto [from, to] = by_hash_.equal_range(entry.hash);
    for (auto each = from; each != to; ++each)
        if (each->second->second.key() == entry.key()) variants.push_back(each->second);
    const auto same =
        std::ranges::find_if(variants, [&](const auto& other) { return other->second.variant() == entry.variant(); });
    if (same != variants.end() && (*same)->second.position > entry.position) {
        removed.push_back(entry.position);
        return;
    }
    auto leaves = same;
    if (same == variants.end() && variants.size() >= max_variants)
        leaves = std::ranges::min_element(variants, {}, [](const auto& other) { return other->second.position; });
    if (leaves != variants.end()) {
        removed.push_back((*leaves)->second.position);
        take_out(*leaves);
    }
    stored_bytes_ += entry.stored_bytes;
    const std::uint64_t hash = entry.hash;
    const std::uint64_t oldest = entry.oldest;
    const std::uint64_t bytes = entry.stored_bytes;
    const auto [place, is_new] = entries_.try_emplace(oldest, std::move(entry));
    if (is_new)
        by_hash_.emplace(hash, place);
    else
        stored_bytes_ -= bytes; // two that claim the same part: one of them is not what it says
}

std::size_t DiskDirectory::overwrite(std::uint64_t tail) {
    std::size_t gone = 0;
    for (; !entries_.empty() && entries_.begin()->first < tail; ++gone) take_out(entries_.begin());
    return gone;
}

std::size_t DiskDirectory::erase(std::uint64_t hash, const Matches& matches, Positions& removed) {
    std::vector<Entries::iterator> found;
    const auto [from, to] = by_hash_.equal_range(hash);
    for (auto each = from; each != to; ++each)
        if (matches(each->second->second)) found.push_back(each->second);
    for (const auto& entry : found) {
        removed.push_back(entry->second.position);
        take_out(entry);
    }
    return found.size();
}

std::size_t DiskDirectory::erase_if(const Matches& matches, Positions& removed) {
    const std::size_t before = entries_.size();
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto each = entry++;
        if (!matches(each->second)) continue;
        removed.push_back(each->second.position);
        take_out(each);
    }
    return before - entries_.size();
}

void DiskDirectory::clear() noexcept {
    by_hash_.clear();
    entries_.clear();
    stored_bytes_ = 0;
}

DiskEntry* DiskDirectory::find(std::uint64_t hash, const Matches& matches) {
    DiskEntry* found = nullptr;
    const auto [from, to] = by_hash_.equal_range(hash);
    for (auto each = from; each != to; ++each) {
        DiskEntry& entry = each->second->second;
        if (matches(entry) && (!found || entry.position > found->position)) found = &entry;
    }
    return found;
}

DiskEntry* DiskDirectory::at(std::uint64_t hash, std::uint64_t position) {
    return find(hash, [position](const DiskEntry& entry) { return entry.position == position; });
}

void DiskDirectory::visit(std::uint64_t& cursor, std::size_t most,
                          const std::function<bool(const DiskEntry&)>& visit) const {
    for (auto entry = entries_.lower_bound(cursor); entry != entries_.end(); ++entry) {
        if (most-- == 0) {
            cursor = entry->first;
            return;
        }
        if (!visit(entry->second) && std::next(entry) != entries_.end()) {
            cursor = entry->first + 1;
            return;
        }
    }
    cursor = 0;
}

} // namespace mpsup::cache
