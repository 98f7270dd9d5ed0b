#include "supervisor/daemon/site_lock.h"

#include <chrono>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

namespace mpsup {

namespace {

constexpr auto lock_patience = std::chrono::seconds(2);

} // namespace

Result<Fd> take_site_lock(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT, 0600);
    if (!file) return file;
    // One that was killed holds it until the last of its threads is gone, which may be in the middle of a write.
    const auto deadline = std::chrono::steady_clock::now() + lock_patience;
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
        if (std::chrono::steady_clock::now() >= deadline) return failure("another supervisor of this site runs");
        ::poll(nullptr, 0, 5); // flock(2) has no deadline of its own
    }
    return file;
}

} // namespace mpsup
