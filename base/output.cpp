#include "base/output.h"

#include <array>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <vector>

namespace mpsup {

namespace {

struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool is_null = false;
    friend bool operator==(const Identity&, const Identity&) = default;
};

std::array<std::optional<Identity>, 2> remembered; // of descriptors 1 and 2

std::optional<Identity> identity_of(int fd) noexcept {
    struct stat file{};
    // A terminal or a pipe is nothing that is moved away. /dev/null stands for a file that could not be had.
    if (::fstat(fd, &file) != 0) return std::nullopt;
    const bool is_null = S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3);
    if (!S_ISREG(file.st_mode) && !is_null) return std::nullopt;
    return Identity{file.st_dev, file.st_ino, is_null};
}

std::vector<int> open_descriptors() {
    std::vector<int> fds;
    DIR* const folder = ::opendir("/proc/self/fd");
    if (!folder) return {STDOUT_FILENO, STDERR_FILENO};
    while (const dirent* entry = ::readdir(folder)) { // NOLINT(concurrency-mt-unsafe): one thread
        char* end = nullptr;
        const long fd = std::strtol(entry->d_name, &end, 10);
        if (*end == '\0' && fd != ::dirfd(folder)) fds.push_back(static_cast<int>(fd));
    }
    ::closedir(folder);
    return fds;
}

} // namespace

void remember_output() noexcept { remembered = {identity_of(STDOUT_FILENO), identity_of(STDERR_FILENO)}; }

void move_output(const Fd& file) noexcept {
    const auto target = identity_of(file.get());
    for (const int fd : open_descriptors()) {
        const auto now = identity_of(fd);
        if (!now || (now != remembered[0] && now != remembered[1])) continue;
        if (now->is_null && fd != STDOUT_FILENO && fd != STDERR_FILENO) continue; // opened for its own sake
        ::dup3(file.get(), fd, (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
    }
    for (auto& identity : remembered)
        if (identity) identity = target;
}

} // namespace mpsup
