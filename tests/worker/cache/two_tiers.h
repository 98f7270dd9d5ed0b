// A cache whose second tier lies in a folder that is removed at the end.
#pragma once

#include "tests/worker/cache/stored_text.h"
#include "worker/cache/disk_tier.h"
#include "worker/cache/object.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace mpsup::cache {

class TwoTiers {
public:
    static constexpr std::uint64_t usual_disk = std::uint64_t{16} << 20U;
    TwoTiers() {
        std::string pattern = std::filesystem::temp_directory_path() / "mpsup-tier-XXXXXX";
        folder = std::string(::mkdtemp(pattern.data())) + "/cache";
    }
    ~TwoTiers() {
        std::error_code ignored;
        std::filesystem::remove_all(std::filesystem::path(folder).parent_path(), ignored);
    }
    TwoTiers(const TwoTiers&) = delete;
    TwoTiers& operator=(const TwoTiers&) = delete;

    /// A process that uses `memory` and, as soon as it may, the disk.
    [[nodiscard]] std::unique_ptr<Store> attach(const SharedMemory& memory, std::uint64_t disk = usual_disk) {
        auto store = memory.attach();
        store->use_disk(
            DiskTier::make({.folder = folder, .size = disk, .tell = [this](bool off, const std::string& what) {
                                const std::lock_guard lock(telling_);
                                told.push_back((off ? "off: " : "") + what);
                            }}));
        store->open_disk();
        return store;
    }

    /// All that the file has, and the other way.
    [[nodiscard]] std::string image() const {
        std::ifstream in(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(std::string_view bytes, std::uint64_t offset) const {
        std::fstream out(file(), std::ios::binary | std::ios::in | std::ios::out);
        out.seekp(static_cast<std::streamoff>(offset));
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
    [[nodiscard]] std::string file() const { return folder + "/tier"; }

    std::string folder;
    std::vector<std::string> told;

private:
    std::mutex telling_;
};

/// In memory or on the disk, as a request would get it; not promoted when it is loaded.
inline Hit find_anywhere(Store& store, std::string_view path) {
    Store::Found found = store.find(url(path), OwnedFields{});
    if (found.hit || !found.on_disk) return std::move(found.hit);
    return store.disk()->load(found.on_disk);
}

/// All of it, wherever it lies.
inline std::string whole_content(Store& store, const Hit& hit) {
    if (!hit.is_absent()) return content_of(hit);
    std::string content;
    while (content.size() < hit.size()) {
        const auto piece = store.disk()->read_piece(hit, content.size());
        if (!piece || piece->empty()) return "a hole";
        content += *piece;
    }
    return content;
}

inline bool has_anywhere(Store& store, std::string_view path, std::size_t size) {
    const Hit hit = find_anywhere(store, path);
    return hit && hit.size() == size && whole_content(store, hit) == text_of(path, size);
}

} // namespace mpsup::cache
