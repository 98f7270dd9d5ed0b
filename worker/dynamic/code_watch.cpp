#include "worker/dynamic/code_watch.h"

#include <array>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

namespace mpsup::dynamic {

namespace {

std::string folder_of(const std::string& file) { return file.substr(0, file.rfind('/') + 1); }

} // namespace

Result<CodeWatch> CodeWatch::make(const std::vector<std::string>& files) {
    Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify) return system_failure("watch loaded files");
    CodeWatch watch(std::move(inotify));
    std::set<std::string> folders;
    for (const std::string& file : files) {
        if (!file.starts_with('/')) continue;
        watch.files_.insert(file);
        folders.insert(folder_of(file));
    }
    for (const std::string& folder : folders) {
        constexpr std::uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;
        const int id = ::inotify_add_watch(watch.inotify_.get(), folder.c_str(), changes);
        if (id >= 0) watch.folders_[id] = folder;
    }
    return watch;
}

std::vector<std::string> CodeWatch::read_changes() {
    std::vector<std::string> changed;
    alignas(inotify_event) std::array<char, 4096> buffer{};
    for (;;) {
        const ssize_t got = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (got <= 0) return changed;
        for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(got);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const char* name = buffer.data() + at + sizeof event;
            const auto folder = folders_.find(event.wd);
            if (folder != folders_.end() && event.len > 0) {
                std::string file = folder->second + name; // the kernel pads it with zeros
                if (files_.erase(file) > 0) changed.push_back(std::move(file));
            }
            at += sizeof event + event.len;
        }
    }
}

} // namespace mpsup::dynamic
