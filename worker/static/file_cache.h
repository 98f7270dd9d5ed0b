// Files that are asked for again and again: small ones in memory, large ones open.
#pragma once

#include "worker/static/stored_file.h"

#include <cstddef>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace mpsup::static_files {

/// Bounded in files, bytes, bytes of pages whose links were rewritten, and descriptors; when one of them is used up, those go that were not found since the last search
/// for something to let go of (second chance), and have some of it. It believes what it is told: whether an entry is still true is its user's
/// business. Used from one thread.
class FileCache {
public:
    struct Bounds {
        std::size_t files = 4096;
        std::size_t bytes = std::size_t{4} << 20U;       // without those of rewritten pages
        std::size_t page_bytes = std::size_t{16} << 20U; // which take much longer to make again
        std::size_t descriptors = 64;
    };
    explicit FileCache(const Bounds& bounds) noexcept : bounds_(bounds) {}

    /// The file that answers requests for the path `key`, or nothing.
    [[nodiscard]] std::shared_ptr<StoredFile> find(std::string_view key) noexcept;

    /// In place of what had its key.
    void keep(std::shared_ptr<StoredFile> file);
    void forget(const StoredFile& file);
    /// Forms were added to a file that is kept.
    void grown(const StoredFile& file);
    void forget_descriptors();

    [[nodiscard]] std::size_t files() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return used_.bytes; }
    [[nodiscard]] std::size_t page_bytes() const noexcept { return used_.page_bytes; }
    [[nodiscard]] std::size_t descriptors() const noexcept { return used_.descriptors; }

private:
    struct Share {
        std::size_t bytes = 0;
        std::size_t page_bytes = 0;
        std::size_t descriptors = 0;
    };
    struct Entry {
        std::shared_ptr<StoredFile> file;
        Share share;
    };
    using Entries = std::list<Entry>; // the one that came first is asked first whether it was used

    void count(Entry& entry);
    void release(const Share& share) noexcept;
    void erase(Entries::iterator entry);
    void make_room();

    Bounds bounds_;
    Entries entries_;
    std::unordered_map<std::string_view, Entries::iterator> by_key_; // keys are the files'
    Share used_;
};

} // namespace mpsup::static_files
