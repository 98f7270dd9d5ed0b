#include "worker/http/page_in.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/uio.h>
#include <unistd.h>

namespace mpsup::http {

namespace {

constexpr std::uint64_t read_ahead = std::uint64_t{128} << 10U;

bool is_there(int file, std::uint64_t offset) noexcept {
    char byte = 0;
    const iovec space{&byte, 1};
    return ::preadv2(file, &space, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

} // namespace

bool in_page_cache(int file, std::uint64_t offset, std::uint64_t size) noexcept {
    if (size == 0) return true;
    for (std::uint64_t at = offset; at < offset + size; at += read_ahead)
        if (!is_there(file, at)) return false;
    return is_there(file, offset + size - 1);
}

void page_in(int file, std::uint64_t offset, std::uint64_t size) noexcept {
    std::array<char, std::size_t{64} << 10U> space;
    for (std::uint64_t at = 0; at < size;) {
        const std::size_t wanted = std::min<std::uint64_t>(space.size(), size - at);
        const ssize_t got = ::pread(file, space.data(), wanted, static_cast<off_t>(offset + at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        at += static_cast<std::uint64_t>(got);
    }
}

} // namespace mpsup::http
