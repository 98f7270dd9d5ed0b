// Replacing the program of a running supervisor: the same process, pid, children and listeners.
#pragma once

#include "base/error.h"
#include "supervisor/daemon/handover.h"
#include "supervisor/process/spawner.h"

#include <boost/asio/awaitable.hpp>

#include <string>
#include <vector>

namespace mpsup {

/// What the new program is started with.
struct UpgradePlan {
    std::string program; // absolute path of an mpsup
    std::string site;
    std::string state_base, run_base; // as --state-dir and --run-dir take them
    std::vector<std::string> more{};  // words of the command line
};

/// Writes the handover and has `program` check it and the site's state (`--check-state`, 10 s at most). An error says, in its own
/// words, why it will not take over; nothing has changed then.
[[nodiscard]] boost::asio::awaitable<Result<>> check_successor(const SitePaths& paths, Spawner& spawner,
                                                               UpgradePlan plan, Handover handover);

/// Becomes `program`, with the descriptors of `handover`. Returns only when that fails: everything is as before then.
[[nodiscard]] Error become_successor(const SitePaths& paths, const UpgradePlan& plan, const Handover& handover);

} // namespace mpsup
