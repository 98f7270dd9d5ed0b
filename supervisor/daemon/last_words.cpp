#include "supervisor/daemon/last_words.h"

#include "base/fd.h"
#include "base/utf8.h"

#include <algorithm>
#include <ctime>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace mpsup {

namespace {

constexpr std::size_t bytes_read = 4096;
constexpr int lines_kept = 10;

// The history is printed on terminals and as JSON.
void make_printable(std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_character(std::string_view(text).substr(at));
        char& c = text[at];
        const bool control = (length == 1 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
        if (length == 0 || control) c = '?';
        at += length == 0 ? 1 : length;
    }
}

struct Log {
    Fd file; // none: there is no such log
    off_t size = 0;
    std::time_t written = 0;
};

Log open_log(const std::string& path) {
    auto file = open_file(path, O_RDONLY | O_NONBLOCK); // somebody may have put a fifo there
    struct stat status{};
    if (!file || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    return {std::move(*file), status.st_size, status.st_mtim.tv_sec};
}

} // namespace

std::chrono::seconds log_age(const std::string& log_path) {
    const Log log = open_log(log_path);
    return std::chrono::seconds(log.file ? std::max<std::time_t>(std::time(nullptr) - log.written, 0) : 0);
}

std::uint64_t log_size(const std::string& log_path) { return static_cast<std::uint64_t>(open_log(log_path).size); }

std::string last_words(const std::string& log_path, std::uint64_t since) {
    const auto [file, size_then, written] = open_log(log_path);
    const auto end = static_cast<std::uint64_t>(size_then);
    if (!file) return {};
    if (since > end) since = 0; // it was cut since
    std::string text(std::min<std::uint64_t>(end - since, bytes_read), '\0');
    const auto from = static_cast<off_t>(end - text.size());
    const ssize_t size = ::pread(file.get(), text.data(), text.size(), from);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    text.erase(text.find_last_not_of('\n') + 1);
    std::size_t newline = text.size();
    for (int i = 0; i < lines_kept && newline != 0 && newline != std::string::npos; ++i)
        newline = text.rfind('\n', newline - 1);
    if (newline != std::string::npos) text.erase(0, newline + 1);
    make_printable(text);
    return text;
}

} // namespace mpsup
