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
    const auto entry = entries_.insert(entries_.end(), {std::move(file), {}});
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
        if (entry->share.descriptors > 0) erase(entry);
        entry = next;
    }
}

void FileCache::count(Entry& entry) {
    release(entry.share);
    const StoredFile& file = *entry.file;
    const bool is_rewritten = !file.form(Coding::identity)->tag.empty();
    entry.share = {is_rewritten ? 0 : file.memory(), is_rewritten ? file.memory() : 0, file.descriptors()};
    used_.bytes += entry.share.bytes;
    used_.page_bytes += entry.share.page_bytes;
    used_.descriptors += entry.share.descriptors;
}

void FileCache::release(const Share& share) noexcept {
    used_.bytes -= share.bytes;
    used_.page_bytes -= share.page_bytes;
    used_.descriptors -= share.descriptors;
}

void FileCache::erase(Entries::iterator entry) {
    release(entry->share);
    by_key_.erase(entry->file->key);
    entries_.erase(entry);
}

// Ends: whoever is passed over has lost its chance, or has nothing of what is short, which somebody has.
void FileCache::make_room() {
    for (;;) {
        const bool files = entries_.size() > bounds_.files;
        const bool bytes = used_.bytes > bounds_.bytes;
        const bool page_bytes = used_.page_bytes > bounds_.page_bytes;
        const bool descriptors = used_.descriptors > bounds_.descriptors;
        if (!files && !bytes && !page_bytes && !descriptors) return;
        const auto first = entries_.begin();
        const Share& has = first->share;
        const bool helps = files || (bytes && has.bytes > 0) || (page_bytes && has.page_bytes > 0) ||
                           (descriptors && has.descriptors > 0);
        if (!helps || std::exchange(first->file->used, false))
            entries_.splice(entries_.end(), entries_, first);
        else
            erase(first);
    }
}

} // namespace mpsup::static_files
