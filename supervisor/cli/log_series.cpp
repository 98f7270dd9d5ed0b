#include "supervisor/cli/log_series.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mpsup::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t block = 65536;
constexpr std::size_t longest_line = 1 << 20; // then it is cut, so that a file of zeros is read in bounded memory

std::int64_t written_ms(const struct stat& status) {
    return std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

// The highest number of a file that was moved away; 0: there is none.
int highest_number(const std::string& path) {
    int highest = 0;
    const std::string prefix = fs::path(path).filename().string() + ".";
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), error)) {
        const std::string file = entry.path().filename().string();
        if (!file.starts_with(prefix)) continue;
        int number = 0;
        const char* end = file.data() + file.size();
        const auto [rest, problem] = std::from_chars(file.data() + prefix.size(), end, number);
        if (problem == std::errc{} && rest == end) highest = std::max(highest, number);
    }
    return highest;
}

// Where the last `count` lines begin; what is missing of them is left in `count`.
off_t begin_of_last(int fd, off_t size, int& count) {
    std::array<char, block> bytes{};
    for (off_t end = size; end > 0;) {
        const off_t begin = std::max<off_t>(0, end - static_cast<off_t>(block));
        const ssize_t got = ::pread(fd, bytes.data(), static_cast<std::size_t>(end - begin), begin);
        for (ssize_t i = got - 1; i >= 0; --i) {
            const bool ends_a_line = bytes[static_cast<std::size_t>(i)] == '\n' && begin + i + 1 < size;
            if (ends_a_line && --count == 0) return begin + i + 1;
        }
        end = begin;
    }
    if (size > 0) --count; // the first line, which no other one ends before
    return 0;
}

} // namespace

std::optional<LogSeries::File> LogSeries::open(const std::string& path) const {
    auto fd = open_file(path, O_RDONLY | O_NONBLOCK);
    struct stat status{};
    if (!fd || ::fstat(fd->get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return File{std::move(*fd), status.st_dev, status.st_ino, 0, {}};
}

// Newest first: one that is moved away meanwhile is met again under its next name, and none is missed.
void LogSeries::open_newer() {
    std::deque<File> found;
    const auto is_among = [](const std::deque<File>& files, const File& file) {
        return std::ranges::any_of(
            files, [&](const File& other) { return other.inode == file.inode && other.device == file.device; });
    };
    const int highest = highest_number(path_);
    for (int number = 0; number <= highest; ++number) {
        auto file = open(number == 0 ? path_ : path_ + "." + std::to_string(number));
        if (!file || is_among(found, *file)) continue;
        if (is_among(files_, *file)) break;
        found.push_front(std::move(*file));
    }
    for (File& file : found) files_.push_back(std::move(file));
}

void LogSeries::begin(std::optional<std::int64_t> since_ms, std::optional<int> tail) {
    open_newer();
    if (since_ms)
        std::erase_if(files_, [&](const File& file) {
            struct stat status{};
            return ::fstat(file.fd.get(), &status) != 0 || written_ms(status) < *since_ms;
        });
    if (files_.empty()) open_newer(); // of what is there only what comes is wanted
    if (since_ms || !tail) return;
    skip_to_tail(*tail);
}

void LogSeries::skip_to_tail(int count) {
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) {
        const off_t size = std::max<off_t>(0, ::lseek(file->fd.get(), 0, SEEK_END));
        file->offset = count > 0 ? begin_of_last(file->fd.get(), size, count) : size;
    }
}

std::optional<LogLine> LogSeries::next() {
    while (placed_.empty()) {
        if (current_ >= files_.size()) return std::nullopt;
        const bool is_last = current_ + 1 == files_.size();
        if (read_some(files_[current_], is_last)) continue;
        clock_.end_file(placed_);
        if (is_last && placed_.empty()) return std::nullopt;
        if (!is_last) ++current_;
    }
    LogLine line = std::move(placed_.front());
    placed_.pop_front();
    return line;
}

void LogSeries::look_again() {
    struct stat status{};
    const bool is_moved =
        ::stat(path_.c_str(), &status) == 0 &&
        (files_.empty() || status.st_ino != files_.back().inode || status.st_dev != files_.back().device);
    for (std::size_t i = 0; i + 1 < files_.size(); ++i)
        while (read_some(files_[i], false)) {
        }
    if (!is_moved) return;
    if (!files_.empty())
        while (read_some(files_.back(), false)) {
        }
    open_newer();
    while (files_.size() > 2 && current_ > 0) {
        files_.pop_front();
        --current_;
    }
    current_ = files_.empty() ? 0 : std::min(current_ + 1, files_.size() - 1);
}

// False: there is no more of it now. What a file that was moved away ends with is a line.
bool LogSeries::read_some(File& file, bool is_last) {
    struct stat status{};
    if (::fstat(file.fd.get(), &status) != 0) return false;
    if (status.st_size < file.offset) file.offset = 0; // it was cut: its lines are new ones
    clock_.begin_file(written_ms(status));
    std::array<char, block> bytes{};
    const ssize_t got = ::pread(file.fd.get(), bytes.data(), bytes.size(), file.offset);
    if (got <= 0) {
        if (!is_last && !file.partial.empty()) clock_.push(std::exchange(file.partial, {}), placed_);
        return false;
    }
    file.offset += got;
    std::string_view rest(bytes.data(), static_cast<std::size_t>(got));
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
        file.partial += rest.substr(0, end);
        clock_.push(std::exchange(file.partial, {}), placed_);
        rest.remove_prefix(end + 1);
    }
    file.partial += rest;
    if (file.partial.size() > longest_line) clock_.push(std::exchange(file.partial, {}), placed_);
    return true;
}

} // namespace mpsup::cli
