// What a machine still has in hand that nothing new is to be sent to.
#pragma once

#include "supervisor/cluster/cluster_view.h"

#include <string>

namespace mpsup::cluster {

/// In words, behind the machine's name: "has 3 requests in flight", or why nobody knows how many. Empty: it has nothing. Pure.
[[nodiscard]] std::string remainder_on(const std::string& machine, const ClusterView& view);

} // namespace mpsup::cluster
