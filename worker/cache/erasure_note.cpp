#include "base/process_identity.h"
#include "worker/cache/disk_file.h"

#include <cstdio>
#include <fcntl.h>
#include <filesystem>

namespace mpsup::cache {

namespace {
constexpr std::string_view prefix = "erased-";
}

ErasureNote::ErasureNote(const std::string& folder) : folder_(folder), name_(std::string(prefix) + random_uuid()) {}

void ErasureNote::write() noexcept { static_cast<void>(open_file(folder_ + "/" + name_, O_WRONLY | O_CREAT)); }

void ErasureNote::remove() noexcept { std::remove((folder_ + "/" + name_).c_str()); }

bool ErasureNote::take_others() const {
    bool found = false;
    std::error_code error;
    for (std::filesystem::directory_iterator file(folder_, error), end; !error && file != end; file.increment(error)) {
        const std::string name = file->path().filename().string();
        if (!name.starts_with(prefix) || name == name_) continue;
        found = true;
        std::filesystem::remove(file->path(), error);
    }
    return found;
}

} // namespace mpsup::cache
