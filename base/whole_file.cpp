#include "base/whole_file.h"

#include "base/fd.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace mpsup {

namespace {

constexpr unsigned own_mode = 0600;

Result<> write_all(const Fd& file, std::string_view text, const std::string& path) {
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return system_failure("write " + path);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// Or after a power cut there may be the file that was there before. Not every file system has that.
Result<> sync_folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const auto opened = open_file(folder, O_RDONLY | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    if (::fsync(opened->get()) != 0 && errno != EINVAL) return system_failure("sync " + folder);
    return {};
}

} // namespace

Result<> write_whole_file(const std::string& path, std::string_view text) {
    const std::string beside = path + ".new";
    const auto file = open_file(beside, O_WRONLY | O_CREAT | O_TRUNC, own_mode);
    if (!file) return std::unexpected(file.error());
    if (auto written = write_all(*file, text, beside); !written) return written;
    if (::fdatasync(file->get()) != 0) return system_failure("sync " + beside);
    if (::rename(beside.c_str(), path.c_str()) != 0) return system_failure("rename " + beside);
    return sync_folder_of(path);
}

} // namespace mpsup
