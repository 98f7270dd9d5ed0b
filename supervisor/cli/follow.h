// Waiting for files to grow.
#pragma once

#include "base/fd.h"

#include <string>

namespace mpsup::cli {

/// Tells when something in a folder was written (inotify(7)).
class FolderWatch {
public:
    [[nodiscard]] static Result<FolderWatch> open(const std::string& folder);
    /// Blocks until something was written or a file came or went.
    void wait();

private:
    explicit FolderWatch(Fd fd) noexcept : fd_(std::move(fd)) {}
    Fd fd_;
};

} // namespace mpsup::cli
