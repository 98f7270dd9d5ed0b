#include "worker/static/file_cache.h"

namespace mpsup::static_files {

namespace {

constexpr std::time_t settled_after = 2; // seconds

bool same_time(const timespec& left, const timespec& right) noexcept {
    return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

// ctime moves with every change of content, permission or links, and no program can set it.
bool same_state(const struct stat& left, const struct stat& right) noexcept {
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino && left.st_size == right.st_size &&
           left.st_mode == right.st_mode && same_time(left.st_mtim, right.st_mtim) &&
           same_time(left.st_ctim, right.st_ctim);
}

} // namespace

const FileCache::Entry* FileCache::find(int root, const std::string& path) {
    const auto found = entries_.find(path);
    if (found == entries_.end()) return nullptr;
    struct stat status{};
    if (::fstatat(root, path.c_str(), &status, 0) == 0 && same_state(status, found->second.status))
        return &found->second;
    bytes_ -= found->second.content.size();
    entries_.erase(found);
    return nullptr;
}

void FileCache::keep(const std::string& path, const struct stat& status, std::string_view media_type,
                     std::string_view content, std::time_t now) {
    if (content.size() > max_file || now - status.st_ctim.tv_sec < settled_after) return;
    if (entries_.size() >= max_files || bytes_ + content.size() > max_bytes) {
        entries_.clear();
        bytes_ = 0;
    }
    const Validators validators(status);
    const auto [place, added] =
        entries_.try_emplace(path, Entry{status, validators, http::format_http_date(validators.modified()), media_type,
                                         std::string(content)});
    if (added) bytes_ += content.size();
}

} // namespace mpsup::static_files
