#include "worker/dynamic/body_store.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

constexpr std::size_t memory_kept = 65536; // between requests

Result<> write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_failure("write request body");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

std::string temporary_folder() {
    const char* folder = std::getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

} // namespace

Result<> BodyStore::append(std::string_view bytes) {
    size_ += bytes.size();
    if (!file_ && memory_.size() + bytes.size() <= in_memory) {
        memory_ += bytes;
        return {};
    }
    if (!file_)
        if (auto spilled = spill(); !spilled) return spilled;
    return write_all(file_.get(), bytes);
}

Result<> BodyStore::spill() {
    auto file = open_file(temporary_folder(), O_TMPFILE | O_RDWR, 0600);
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
    auto written = write_all(file_.get(), memory_);
    std::string().swap(memory_);
    return written;
}

void BodyStore::clear() {
    if (memory_.capacity() > memory_kept) std::string().swap(memory_);
    memory_.clear();
    file_.reset();
    size_ = 0;
}

} // namespace mpsup::dynamic
