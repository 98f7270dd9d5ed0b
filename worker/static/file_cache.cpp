#include "worker/static/file_cache.h"

#include <utility>

namespace mpsup::static_files {

std::shared_ptr<StoredFile> FileCache::find(std::string_view key) noexcept {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    found->second->file->used = true;
    return found->second->file;
}

void FileCache::keep(std::shared_ptr<StoredFile> file) {
    if (const auto before = by_key_.find(file->key); before != by_key_.end()) erase(before->second);
    const auto entry = entries_.insert(entries_.end(), {std::move(file), 0, 0});
    by_key_.emplace(entry->file->key, entry);
    count(*entry);
    make_room();
}

void FileCache::forget(const StoredFile& file) {
    const auto found = by_key_.find(file.key);
    if (found != by_key_.end() && found->second->file.get() == &file) erase(found->second);
}

void FileCache::grown(const StoredFile& file) {
    const auto found = by_key_.find(file.key);
    if (found == by_key_.end() || found->second->file.get() != &file) return;
    count(*found->second);
    make_room();
}

void FileCache::forget_descriptors() {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->descriptors > 0) erase(entry);
        entry = next;
    }
}

void FileCache::count(Entry& entry) {
    bytes_ += entry.file->memory() - std::exchange(entry.bytes, entry.file->memory());
    descriptors_ += entry.file->descriptors() - std::exchange(entry.descriptors, entry.file->descriptors());
}

void FileCache::erase(Entries::iterator entry) {
    bytes_ -= entry->bytes;
    descriptors_ -= entry->descriptors;
    by_key_.erase(entry->file->key);
    entries_.erase(entry);
}

// Ends: whoever is passed over has lost its chance, and what has no descriptor is passed over only while another one has.
void FileCache::make_room() {
    for (;;) {
        const bool too_many = entries_.size() > bounds_.files || bytes_ > bounds_.bytes;
        if (!too_many && descriptors_ <= bounds_.descriptors) return;
        const auto first = entries_.begin();
        if ((!too_many && first->descriptors == 0) || std::exchange(first->file->used, false))
            entries_.splice(entries_.end(), entries_, first);
        else
            erase(first);
    }
}

} // namespace mpsup::static_files
