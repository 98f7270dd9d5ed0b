// Waiting for files to grow.
#pragma once

#include "base/fd.h"

#include <string>

namespace mpsup::cli {

/// Tells when something in a folder was written (inotify(7)). For commands that print it.
class FolderWatch {
public:
    [[nodiscard]] static Result<FolderWatch> open(const std::string& folder);
    /// Blocks until something was written or a file came or went; false: nobody reads our standard output any more.
    [[nodiscard]] bool wait();

private:
    explicit FolderWatch(Fd fd) noexcept : fd_(std::move(fd)) {}
    Fd fd_;
};

/// For a supervisor that reads our lines: what was there when they began has been printed, what follows is news.
void tell_live();

} // namespace mpsup::cli
