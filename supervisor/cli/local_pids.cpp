#include "supervisor/cli/local_pids.h"

#include "base/fd.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <sys/stat.h>

namespace mpsup::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t longest = 1U << 20U;

pid_t number(std::string_view text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    return error == std::errc{} && end == text.data() + text.size() ? std::max(pid, 0) : 0;
}

// The kernel says it in our pids, as it does of no other trace of a process. "1: FLOCK ADVISORY WRITE PID DEVICE:INODE 0 EOF".
pid_t holder_of(const std::string& lock) {
    struct stat file{};
    if (::stat(lock.c_str(), &file) != 0) return 0;
    const std::string inode = ":" + std::to_string(file.st_ino);
    std::istringstream lines(read_file("/proc/locks", longest).value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string place;
        std::string kind;
        std::string word;
        std::string pid;
        std::string where;
        words >> place >> kind >> word >> word >> pid >> where;
        if (kind != "FLOCK" || !where.ends_with(inode)) continue;
        if (read_file("/proc/" + pid + "/comm", longest).value_or("").starts_with("mpsup")) return number(pid);
    }
    return 0;
}

fs::path namespace_of(const fs::path& process, std::error_code& error) {
    return fs::read_symlink(process / "ns" / "pid", error);
}

// The last number of "NSpid: HERE … THERE".
pid_t innermost(const fs::path& process) {
    std::istringstream lines(read_file(process / "status", longest).value_or(""));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("NSpid:")) return number(std::string_view(line).substr(line.find_last_of("\t ") + 1));
    return 0;
}

} // namespace

Result<LocalPids> LocalPids::find(const std::string& lock, pid_t supervisor) {
    LocalPids pids;
    const pid_t holder = holder_of(lock);
    if (holder == 0 || holder == supervisor) return pids;
    std::error_code error;
    const fs::path here("/proc/" + std::to_string(holder));
    const fs::path its = namespace_of(here, error);
    if (error)
        return failure("the supervisor (pid " + std::to_string(holder) +
                       " here) runs in a container that cannot be looked into: " + error.message() +
                       "; ask as its user");
    pids.inside_.emplace();
    for (const auto& entry : fs::directory_iterator("/proc", error)) {
        const pid_t pid = number(entry.path().filename().string());
        std::error_code unseen;
        if (pid > 0 && namespace_of(entry.path(), unseen) == its) (*pids.inside_)[innermost(entry.path())] = pid;
    }
    return pids;
}

pid_t LocalPids::of(pid_t said) const {
    if (!inside_) return said;
    const auto known = inside_->find(said);
    return known == inside_->end() ? 0 : known->second;
}

} // namespace mpsup::cli
