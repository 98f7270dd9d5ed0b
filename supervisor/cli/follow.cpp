#include "supervisor/cli/follow.h"

#include <array>
#include <cstdio>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace mpsup::cli {

Result<FolderWatch> FolderWatch::open(const std::string& folder) {
    Fd fd(::inotify_init1(IN_CLOEXEC));
    if (!fd || ::inotify_add_watch(fd.get(), folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
        return system_failure("watch " + folder);
    return FolderWatch(std::move(fd));
}

bool FolderWatch::wait() {
    std::array<pollfd, 2> entries{{{fd_.get(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}}};
    if (::poll(entries.data(), entries.size(), -1) > 0 && (entries[1].revents & (POLLERR | POLLHUP)) != 0) return false;
    if ((entries[0].revents & POLLIN) == 0) return true;
    alignas(inotify_event) std::array<char, 4096> events{};
    // What it was does not matter, nor whether a signal cut the wait short: the reader looks for itself.
    [[maybe_unused]] const ssize_t got = ::read(fd_.get(), events.data(), events.size());
    return true;
}

void tell_live() {
    std::printf("{\"type\":\"live\"}\n");
    std::fflush(stdout);
}

} // namespace mpsup::cli
