#include "base/fd.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup {

void Fd::reset(int fd) noexcept {
    const int old = std::exchange(fd_, fd);
    if (old < 0 || old == fd) return;
    const int saved = errno;
    ::close(old); // never retried: on Linux the number is free even after EINTR (close(2))
    errno = saved;
}

Result<Fd> Fd::duplicate() const {
    const int copy = ::fcntl(fd_, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) return system_failure("duplicate descriptor");
    return Fd(copy);
}

Result<Pipe> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return system_failure("pipe");
    return Pipe{Fd(ends[0]), Fd(ends[1])};
}

Result<Fd> open_file(const std::string& path, int flags, unsigned mode) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) return system_failure("open " + path);
    return Fd(fd);
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    auto file = open_file(path, O_RDONLY | O_NONBLOCK);
    if (!file) return std::unexpected(file.error());
    return read_file(*file, path, limit);
}

Result<std::string> read_file(const Fd& file, const std::string& path, std::size_t limit) {
    struct stat status{};
    if (::fstat(file.get(), &status) != 0) return system_failure("stat " + path);
    if (S_ISDIR(status.st_mode)) return system_failure("read " + path, EISDIR);
    if (!S_ISREG(status.st_mode)) return system_failure("read " + path, EINVAL);
    std::string text;
    std::array<char, 16384> block{};
    for (;;) {
        const ssize_t got = ::read(file.get(), block.data(), block.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("read " + path);
        if (got == 0) return text;
        if (text.size() + static_cast<std::size_t>(got) > limit) return system_failure("read " + path, EFBIG);
        text.append(block.data(), static_cast<std::size_t>(got));
    }
}

} // namespace mpsup
