// The cluster, as `mpsup status -o json` has it.
#pragma once

#include "supervisor/cluster/cluster_status.h"

#include <string>
#include <string_view>

namespace mpsup {

/// A JSON object: this machine's name, how the store is, what is wanted, each machine, `vips` [{"address","machine"}], whose machine is
/// empty when none has it or the store does not say, and the change that runs or ran last.
[[nodiscard]] std::string cluster_json(const cluster::ClusterStatus& status, std::string_view here);

} // namespace mpsup
