// The generation that sleeps while another serves, and the way back to it.
#pragma once

#include "supervisor/daemon/report.h"
#include "supervisor/daemon/site.h"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mpsup {

/// The generation that sleeps serves again, in place of the other. Ends: it has half a minute. Empty, or why not, and then
/// the other serves on.
[[nodiscard]] boost::asio::awaitable<std::string> go_back(Site& site, std::shared_ptr<WorkerHandle> worker,
                                                          Report report);

/// What is applied now follows what was woken: the specs of `names`. Where one of these no longer fits the rest, it
/// does not.
void record_woken(Site& site, const std::vector<std::string>& names);

/// Notes in the history what is applied.
void record(Site& site, const AppliedTopology& applied);

/// What was applied before what is applied now.
[[nodiscard]] Result<AppliedTopology> previous_topology(Site& site);

} // namespace mpsup
