// The folder that files are served from, and what symbolic links below it may do.
#pragma once

#include "base/error.h"
#include "base/fd.h"
#include "worker/contract/files.h"

#include <string>
#include <sys/stat.h>

namespace mpsup::static_files {

/// Paths are relative to the folder, end in no slash and have no "..", which the caller refuses (decode_file_path). A link:
///   inside    is followed while that stays below the folder (RESOLVE_BENEATH)
///   owner     is followed when it belongs to whom its target belongs to, wherever that is
///   off       is not followed
///   anywhere  is followed
/// but never a magic one of /proc. The folder is the one that had the name when it was opened.
class Root {
public:
    [[nodiscard]] static Result<Root> open(const std::string& folder, contract::Symlinks symlinks);

    /// Opens for reading, or with other `flags`; never waits for the writer of a FIFO. Empty, with errno: ENOENT, ELOOP and
    /// EXDEV (a link that is not followed), EACCES, EMFILE, …
    [[nodiscard]] Fd open_file(const char* path, int flags = 0) const noexcept;

    /// Of whatever has the name now, for comparing with a state that open_file() had found: links are followed.
    [[nodiscard]] bool status(const char* path, struct stat& status) const noexcept;

private:
    Root(Fd folder, contract::Symlinks symlinks) noexcept : folder_(std::move(folder)), symlinks_(symlinks) {}

    [[nodiscard]] Fd walk(std::string_view path, int flags) const noexcept;

    Fd folder_; // O_PATH
    contract::Symlinks symlinks_;
};

} // namespace mpsup::static_files
