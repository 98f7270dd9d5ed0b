// Owner of a file descriptor.
#pragma once

#include "base/error.h"

#include <string>
#include <utility>

namespace mpsup {

/// Owns one file descriptor and closes it. Everything that opens one in this project sets close-on-exec.
/// Not thread-safe; movable between threads.
class Fd {
public:
    Fd() noexcept = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }

    /// The number, or -1 when nothing is owned.
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

    /// Gives the descriptor up without closing it: the caller owns it now.
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

    /// Closes what is owned and takes `fd` (-1: nothing) instead. errno is kept.
    void reset(int fd = -1) noexcept;

    /// A second descriptor of the same open file (F_DUPFD_CLOEXEC).
    [[nodiscard]] Result<Fd> duplicate() const;

private:
    int fd_ = -1;
};

struct Pipe {
    Fd read;
    Fd write;
};

/// pipe2(2) with O_CLOEXEC.
[[nodiscard]] Result<Pipe> make_pipe();

/// open(2) with O_CLOEXEC added to `flags`; `mode` counts when O_CREAT is among them.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, unsigned mode = 0600);

/// The whole of a regular file that holds at most `limit` bytes; anything longer is an error (EFBIG). Refuses
/// what is not a regular file, without blocking on it (EISDIR for a directory, EINVAL for the rest).
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

/// The same of an open file, from where it stands; `path` is for the errors.
[[nodiscard]] Result<std::string> read_file(const Fd& file, const std::string& path, std::size_t limit);

} // namespace mpsup
