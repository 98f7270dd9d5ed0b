#include "supervisor/daemon/site_lock.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

namespace mpsup {

namespace {

constexpr auto lock_patience = std::chrono::seconds(2);

pid_t pid_in(const std::string& path) {
    const std::string text = read_file(path, 32).value_or("");
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return std::max(pid, 0);
}

// For people: a full disk costs no more than the number in a message.
void write_pid(int fd) {
    const std::string text = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, text.data(), text.size(), 0);
}

} // namespace

Result<Fd> take_site_lock(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT, 0600);
    if (!file) return file;
    // One that was killed holds it until the last of its threads is gone, which may be in the middle of a write.
    const auto deadline = std::chrono::steady_clock::now() + lock_patience;
    while (::flock(file->get(), LOCK_EX | LOCK_NB) != 0) {
        if (std::chrono::steady_clock::now() >= deadline) {
            const pid_t pid = pid_in(path);
            return failure("another supervisor of this site runs" +
                           (pid > 0 ? " (pid " + std::to_string(pid) + ")" : ""));
        }
        ::poll(nullptr, 0, 5); // flock(2) has no deadline of its own
    }
    write_pid(file->get());
    return file;
}

std::optional<pid_t> site_lock_holder(const std::string& path) {
    const auto file = open_file(path, O_RDONLY);
    if (!file || ::flock(file->get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;
    const pid_t pid = pid_in(path);
    const bool is_gone = pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH; // whoever has it now has not written yet
    return is_gone ? 0 : pid;
}

} // namespace mpsup
