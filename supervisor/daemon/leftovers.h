// Processes that an earlier supervisor of this site left behind when it was killed.
#pragma once

#include "base/pidfd.h"
#include "state/rows.h"
#include "supervisor/control/site_paths.h"

#include <chrono>
#include <string>
#include <vector>

namespace mpsup {

struct Leftover {
    std::string uuid;
    std::string worker;
    Pidfd pidfd;
};

struct Leftovers {
    std::vector<Leftover> alive;
    std::vector<std::string> gone;           // uuids whose end was never recorded
    std::chrono::milliseconds grace{30'000}; // the longest that any of them was given to finish
};

/// Those that the database says were started and that are still there: the same boot, the same pid, the same start
/// time, looked at again after the pidfd was opened. Anything else that has such a pid is somebody else's.
[[nodiscard]] Leftovers find_leftovers(const SitePaths& paths, const std::string& boot);

} // namespace mpsup
