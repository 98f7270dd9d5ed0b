#include "base/fd.h"
#include "supervisor/cli/follow.h"
#include "supervisor/cli/terminal.h"
#include "supervisor/cli/verbs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace mpsup::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t block = 65536;
constexpr off_t farthest_back = 8 * 1024 * 1024; // of the end that is searched for the last lines

// One log file, read line by line as it grows.
class LogFile {
public:
    LogFile(std::string path, std::string prefix) : path_(std::move(path)), prefix_(std::move(prefix)) {}

    // The last `count` lines.
    void print_tail(int count) {
        auto file = open_file(path_, O_RDONLY);
        if (!file) return;
        const off_t size = ::lseek(file->get(), 0, SEEK_END);
        offset_ = std::max<off_t>(0, size - farthest_back);
        std::vector<std::string> lines = read_lines(*file);
        const auto surplus = std::max<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(lines.size()) - count);
        for (auto line = lines.begin() + surplus; line != lines.end(); ++line) print(*line);
    }

    // What has come since; a file that was replaced or cut is read from its start.
    bool print_new() {
        auto file = open_file(path_, O_RDONLY);
        struct stat status{};
        if (!file || ::fstat(file->get(), &status) != 0) return false;
        if (status.st_size < offset_ || (inode_ != 0 && status.st_ino != inode_)) offset_ = 0;
        inode_ = status.st_ino;
        const auto lines = read_lines(*file);
        for (const std::string& line : lines) print(line);
        return !lines.empty();
    }

private:
    std::vector<std::string> read_lines(const Fd& file) {
        std::vector<std::string> lines;
        std::array<char, block> bytes{};
        for (;;) {
            const ssize_t got = ::pread(file.get(), bytes.data(), bytes.size(), offset_);
            if (got <= 0) return lines;
            offset_ += got;
            partial_.append(bytes.data(), static_cast<std::size_t>(got));
            for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
                lines.push_back(partial_.substr(0, end));
                partial_.erase(0, end + 1);
            }
        }
    }

    void print(const std::string& line) const { std::printf("%s%s\n", prefix_.c_str(), printable(line).c_str()); }

    std::string path_;
    std::string prefix_;
    std::string partial_; // the line that has not ended yet
    off_t offset_ = 0;
    ino_t inode_ = 0;
};

std::vector<LogFile> open_logs(const ChosenSite& site, const LogsOptions& options) {
    const std::string ending = options.access ? ".access.log" : ".log";
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(site.paths.logs(), error)) {
        const std::string file = entry.path().filename().string();
        if (!file.ends_with(ending) || (!options.access && file.ends_with(".access.log"))) continue;
        names.push_back(file.substr(0, file.size() - ending.size()));
    }
    std::ranges::sort(names);
    if (!options.worker.empty()) std::erase_if(names, [&](const auto& name) { return name != options.worker; });
    std::vector<LogFile> files;
    for (const std::string& name : names)
        files.emplace_back(site.paths.logs() + "/" + name + ending, names.size() > 1 ? name + " | " : "");
    return files;
}

} // namespace

int run_logs(const Context& context, const LogsOptions& options) {
    const auto site = choose_site(context);
    if (!site) return complain(site.error().what, usage);
    auto files = open_logs(*site, options);
    if (files.empty())
        return complain(options.worker.empty() ? "nothing was logged yet" : "there is no log of " + options.worker,
                        failed);
    for (LogFile& file : files) file.print_tail(options.count);
    std::fflush(stdout);
    if (!options.follow) return ok;
    auto watch = FolderWatch::open(site->paths.logs());
    if (!watch) return complain(watch.error().to_string(), failed);
    for (;;) {
        bool any = false;
        for (LogFile& file : files) any = file.print_new() || any;
        std::fflush(stdout);
        if (!any) watch->wait();
    }
}

} // namespace mpsup::cli
