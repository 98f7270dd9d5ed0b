// The supervisor itself: one process, one site, one event loop, one writer thread.
#pragma once

#include "supervisor/control/site_paths.h"
#include "supervisor/daemon/cluster_options.h"
#include "supervisor/daemon/report.h"
#include "supervisor/daemon/up_request.h"

#include <optional>
#include <string>

namespace mpsup {

struct DaemonOptions {
    SitePaths paths;
    std::string site;
    /// In the foreground: brought up at once; if that fails the daemon ends. Otherwise it waits to be asked.
    std::optional<UpRequest> first;
    /// In the foreground: where progress goes. Otherwise nobody listens.
    Report report;
    /// This program replaces that of a supervisor in its own process: what it needs lies in the handover.
    bool takes_over = false;
    /// It is one of several that agree through etcd.
    std::optional<ClusterOptions> cluster{};
};

/// Runs until the site is down: by `mpsup down`, SIGTERM or SIGINT (a second one kills), or because the first
/// topology did not come up. Returns the exit code of the process. Another supervisor of the same site is an error.
[[nodiscard]] int run_daemon(DaemonOptions options);

} // namespace mpsup
