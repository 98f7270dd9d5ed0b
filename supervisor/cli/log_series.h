// One log of a site: the file that is written to, and those that were moved away before it.
#pragma once

#include "base/fd.h"
#include "supervisor/cli/log_lines.h"

#include <deque>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace mpsup::cli {

/// Reads lines oldest first, across the files, also while they are being moved ("app.log", "app.log.1", …).
class LogSeries {
public:
    LogSeries(std::string name, std::string path) : name_(std::move(name)), path_(std::move(path)) {}

    [[nodiscard]] const std::string& name() const { return name_; }

    /// What to read: nothing of what was written to last before `since_ms`; at least the last `tail` lines.
    void begin(std::optional<std::int64_t> since_ms, std::optional<int> tail);

    /// The next line that is there.
    [[nodiscard]] std::optional<LogLine> next();

    /// After next() had none: looks for more, also in the file before the newest, to which a busy process may still
    /// write, and in files that have come since.
    void look_again();

private:
    struct File {
        Fd fd;
        dev_t device = 0;
        ino_t inode = 0;
        off_t offset = 0;
        std::string partial; // the line that has not ended yet
    };

    [[nodiscard]] std::optional<File> open(const std::string& path) const;
    void open_newer();
    void skip_to_tail(int count);
    bool read_some(File& file, bool is_last);

    std::string name_;
    std::string path_;
    std::deque<File> files_; // oldest first
    std::size_t current_ = 0;
    LineClock clock_;
    std::deque<LogLine> placed_;
};

} // namespace mpsup::cli
