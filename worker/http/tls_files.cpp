#include "worker/http/tls_files.h"

#include <array>
#include <sys/inotify.h>
#include <unistd.h>

namespace mpsup::http {

namespace {

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

void TlsFiles::watch_folders_of(std::span<const std::string> files) {
    watch_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch_) return;
    for (const std::string& path : files)
        if (!path.empty())
            ::inotify_add_watch(watch_.get(), folder_of(path).c_str(),
                                IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ONLYDIR);
}

bool TlsFiles::changed() {
    alignas(inotify_event) std::array<char, 4096> news;
    bool any = false;
    while (watch_ && ::read(watch_.get(), news.data(), news.size()) > 0) any = true; // NOLINT: filled by read
    return any;
}

} // namespace mpsup::http
