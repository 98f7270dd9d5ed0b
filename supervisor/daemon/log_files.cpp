#include "supervisor/daemon/log_files.h"

#include "base/output.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace mpsup {

namespace {

constexpr unsigned log_mode = 0640;
constexpr int append = O_WRONLY | O_CREAT | O_APPEND;

std::chrono::seconds age_of(const struct statx& file) {
    const bool knows_birth = (file.stx_mask & STATX_BTIME) != 0;
    const auto since = knows_birth ? file.stx_btime.tv_sec : file.stx_ctime.tv_sec; // some file systems keep none
    return std::chrono::seconds(std::time(nullptr) - since);
}

std::string numbered(const std::string& path, int number) { return path + "." + std::to_string(number); }

} // namespace

bool is_due(const topology::Logs& rules, std::int64_t size, std::chrono::seconds age) noexcept {
    return size > 0 && (size >= rules.size || age >= rules.age);
}

Fd LogFiles::open(const std::string& path) {
    auto file = open_file(path, append, log_mode);
    if (!file && file.error().code.value() == ENOENT) {
        std::error_code ignored; // the next open says it again
        std::filesystem::create_directory(paths_.logs(), ignored);
        ::chmod(paths_.logs().c_str(), 0700);
        file = open_file(path, append, log_mode);
    }
    missing_[path] = !file;
    if (file) return std::move(*file);
    return open_file("/dev/null", O_WRONLY).value_or(Fd());
}

std::optional<Fd> LogFiles::look(const std::string& path) {
    struct statx file{};
    if (::statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC, STATX_SIZE | STATX_BTIME | STATX_CTIME, &file) != 0 ||
        missing_[path]) {
        Fd fresh = open(path);
        return missing_[path] ? std::nullopt : std::optional(std::move(fresh));
    }
    if (!is_due(rules_, static_cast<std::int64_t>(file.stx_size), age_of(file))) return std::nullopt;
    return move_away(path);
}

// The new one first: a disk that has no room for it leaves everything as it is.
std::optional<Fd> LogFiles::move_away(const std::string& path) {
    const std::string coming = path + ".new";
    ::unlink(coming.c_str());
    auto fresh = open_file(coming, append | O_EXCL, log_mode);
    if (!fresh) return std::nullopt;
    for (int number = rules_.keep; ::unlink(numbered(path, number).c_str()) == 0; ++number) {
    }
    for (int number = rules_.keep - 1; number > 0; --number)
        ::rename(numbered(path, number).c_str(), numbered(path, number + 1).c_str()); // ENOENT: not so many yet
    if (::rename(path.c_str(), numbered(path, 1).c_str()) != 0 || ::rename(coming.c_str(), path.c_str()) != 0) {
        ::unlink(coming.c_str());
        return open(path); // whatever it is now
    }
    return std::move(*fresh);
}

void LogFiles::adopt_own(bool in_background) {
    struct stat output{}, file{};
    owns_output_ = ::fstat(STDERR_FILENO, &output) == 0 && ::stat(paths_.supervisor_log().c_str(), &file) == 0 &&
                   output.st_dev == file.st_dev && output.st_ino == file.st_ino;
    if (in_background && S_ISCHR(output.st_mode) && output.st_rdev == makedev(1, 3))
        owns_output_ = missing_[paths_.supervisor_log()] = true;
    if (owns_output_) remember_output();
}

void LogFiles::look_at_own(bool anew) {
    if (!owns_output_) return;
    auto file = anew ? std::optional(open(paths_.supervisor_log())) : look(paths_.supervisor_log());
    if (file && !missing_[paths_.supervisor_log()]) move_output(*file);
}

} // namespace mpsup
