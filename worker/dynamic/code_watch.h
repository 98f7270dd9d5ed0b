// Notices when files that were loaded change on the disk.
#pragma once

#include "base/error.h"
#include "base/fd.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace mpsup::dynamic {

/// inotify(7) on the folders of the files (editors and deployments replace files, which a watch on the file itself would
/// lose). Costs nothing while nothing changes. Where the system's watches have run out it watches what it could get.
class CodeWatch {
public:
    [[nodiscard]] static Result<CodeWatch> make(const std::vector<std::string>& files);

    [[nodiscard]] int fd() const noexcept { return inotify_.get(); }
    /// Files that have changed and were not named before. Never blocks.
    [[nodiscard]] std::vector<std::string> read_changes();

private:
    explicit CodeWatch(Fd inotify) noexcept : inotify_(std::move(inotify)) {}

    Fd inotify_;
    std::map<int, std::string> folders_; // by watch descriptor
    std::set<std::string> files_;        // not named yet
};

} // namespace mpsup::dynamic
