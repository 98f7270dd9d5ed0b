#include "worker/static/root.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mpsup::static_files {

namespace {

constexpr int attempts = 4;
constexpr int always = O_NONBLOCK | O_CLOEXEC | O_NOCTTY;

Fd open_at(int folder, const char* path, int flags, unsigned long long resolve) noexcept {
    open_how how{};
    // openat2(2) takes no flag that O_PATH would ignore.
    how.flags = static_cast<unsigned>((flags & O_PATH) != 0 ? flags | O_CLOEXEC : flags | always);
    how.resolve = resolve;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const long fd = ::syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0) return Fd(static_cast<int>(fd));
        if (errno != EAGAIN && errno != EINTR) break; // EAGAIN: something was renamed meanwhile
    }
    return {};
}

Fd refused(int error) noexcept {
    errno = error;
    return {};
}

// One name of a path. What a link says is read from the very link whose owner was looked at.
Fd step(int folder, const char* name, int flags) noexcept {
    const Fd entry = open_at(folder, name, O_PATH | O_NOFOLLOW, 0);
    struct stat of_entry{};
    if (!entry || ::fstat(entry.get(), &of_entry) != 0) return {};
    if (!S_ISLNK(of_entry.st_mode)) return open_at(folder, name, flags, RESOLVE_NO_SYMLINKS);
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(entry.get(), "", target.data(), target.size() - 1);
    if (size <= 0) return refused(ELOOP);
    Fd found = open_at(folder, target.data(), flags, RESOLVE_NO_MAGICLINKS);
    struct stat of_found{};
    if (!found || ::fstat(found.get(), &of_found) != 0) return {};
    return of_found.st_uid == of_entry.st_uid ? std::move(found) : refused(ELOOP);
}

} // namespace

Result<Root> Root::open(const std::string& folder, contract::Symlinks symlinks) {
    auto opened = mpsup::open_file(folder, O_PATH | O_DIRECTORY);
    if (!opened) return std::unexpected(opened.error());
    Root root(std::move(*opened), symlinks);
    if (!root.open_file(".")) return system_failure("open " + folder + " by openat2");
    return root;
}

Fd Root::open_file(const char* path, int flags) const noexcept {
    constexpr unsigned long long below = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    switch (symlinks_) {
    case contract::Symlinks::inside: return open_at(folder_.get(), path, flags, below);
    case contract::Symlinks::off: return open_at(folder_.get(), path, flags, below | RESOLVE_NO_SYMLINKS);
    case contract::Symlinks::anywhere: return open_at(folder_.get(), path, flags, RESOLVE_NO_MAGICLINKS);
    case contract::Symlinks::owner: break;
    }
    // Most paths have no link at all.
    Fd file = open_at(folder_.get(), path, flags, below | RESOLVE_NO_SYMLINKS);
    return file || errno != ELOOP ? std::move(file) : walk(path, flags);
}

Fd Root::walk(std::string_view path, int flags) const noexcept {
    Fd reached;
    std::array<char, NAME_MAX + 1> name{};
    while (!path.empty()) {
        const std::size_t size = std::min(path.find('/'), path.size());
        const std::string_view rest = path.substr(std::min(size + 1, path.size()));
        if (size > NAME_MAX) return refused(ENAMETOOLONG);
        std::memcpy(name.data(), path.data(), size);
        name[size] = '\0';
        path = rest;
        if (size == 0) continue;
        if (std::strcmp(name.data(), "..") == 0) return refused(EXDEV);
        reached =
            step(reached ? reached.get() : folder_.get(), name.data(), rest.empty() ? flags : O_PATH | O_DIRECTORY);
        if (!reached) return {};
    }
    return reached ? std::move(reached) : refused(ENOENT);
}

bool Root::status(const char* path, struct stat& status) const noexcept {
    return ::fstatat(folder_.get(), path, &status, 0) == 0;
}

} // namespace mpsup::static_files
