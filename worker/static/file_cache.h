// Small files that are asked for again and again, kept in memory.
#pragma once

#include "worker/http/http_date.h"
#include "worker/static/validators.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unordered_map>

namespace mpsup::static_files {

/// Never stale: every look-up asks the file system (fstatat(2)) whether the name still leads to the very same state of
/// the very same file. That takes one system call in place of opening, reading and closing. A file whose last change
/// is younger than two seconds is not kept, because another change in the same tick of the kernel's clock would not
/// show. Bounded in files and bytes; when it is full it starts afresh. Used from one thread.
class FileCache {
public:
    static constexpr std::size_t max_file = 16384;
    static constexpr std::size_t max_files = 1024;
    static constexpr std::size_t max_bytes = std::size_t{4} << 20U;

    struct Entry {
        struct stat status{};
        Validators validators;
        http::HttpDate modified;
        std::string_view media_type; // a constant
        std::string content;
    };

    /// The entry of `path` below the folder `root`, when it is there and still true; good until keep().
    [[nodiscard]] const Entry* find(int root, const std::string& path);

    /// Remembers what was read: `status` was taken before `content`. `now`: wall clock.
    void keep(const std::string& path, const struct stat& status, std::string_view media_type, std::string_view content,
              std::time_t now);

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    std::unordered_map<std::string, Entry> entries_;
    std::size_t bytes_ = 0;
};

} // namespace mpsup::static_files
